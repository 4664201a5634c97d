/* automation.h - Dagster's declarative automation: what an asset's condition is. How conditions are
 * evaluated, and the tree that says why: automation_eval.h. */
#pragma once
#include "common/model/cron.h"

enum automation_kind {
    AUTOMATION_NONE,
    AUTOMATION_EAGER,
    AUTOMATION_ON_MISSING,
    AUTOMATION_ON_CRON,
};
struct automation {
    enum automation_kind kind;
    struct cron cron; /* AUTOMATION_ON_CRON, as all that follow */
    struct str cron_text;
    struct str timezone;
    const struct tz *tz; /* never NULL */
};
