/* failing_on.h - see failing_on.c. */
#pragma once
#include "hub/api/api_internal.h"

/* "brooklyn, chicago", of the first 100 by name, as member "failing_on"; none when it fails nowhere. */
MUST_CHECK bool api_write_failing_on(struct api *api, struct json_writer *w, struct str asset,
                                     struct err *err);
