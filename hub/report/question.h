/* question.h - a report's question as this hub asks it: its names, and until when its own certificates
 * are good, which the store does not know. Reads the certificates' files. */
#pragma once
#include "hub/config/config.h"
#include "hub/report/report.h"

/* What the settings and files say; the times and the group are the caller's to set. Texts are borrowed
 * from `config`. A certificate that is not there or cannot be read is left out: whoever serves with it
 * says so. */
struct report_question report_question_from(const struct hub_config *config, struct wall_time now);
