#include "agent/connectors/flatten_options.h"

bool flatten_check(const struct flatten *f, struct err *err)
{
    if (!f->is_enabled || f->has_max_depth) {
        return true;
    }
    err_set(err, ERR_INVALID, "\"flattening_max_depth\" is missing");
    return err_hint(err, "with flattening_enabled say how deep, for example 3");
}
