/* checks.h - the checks of an asset: queries put to a database, and what their answers mean. */
#pragma once
#include "agent/el/report.h"

/* Runs the checks one by one and reports each. One that names no database asks the one that the step
 * has just written. A check whose SQL fails has not passed. False: canceled, and those that were not
 * carried out to their end are not reported. */
bool checks_run(const struct request *request, struct arena *arena, struct report *report);
