/* stream_assets.h - a load whose streams are assets of their own: what is told of each. */
#pragma once
#include "agent/el/report.h"

/* Reports each asset of the request: made, or why it was not. `load` is what the load came to; when
 * it failed, `err` says of what. False: not all were made; err then tells of that. `made` has a place
 * for each asset. */
MUST_CHECK bool stream_assets_report(const struct request *request,
                                     const struct materialization *load, bool is_loaded,
                                     struct report *report, bool *made, struct err *err);
