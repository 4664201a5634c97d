#include "agent/connectors/pace_options.h"

int64_t pace_lasts(const struct pace_options *options)
{
    bool is_open = options->every > 0 && options->samples == 0 && options->lasts == 0;
    return is_open ? PACE_LASTS_DEFAULT : options->lasts;
}

bool pace_check(const struct pace_options *options, struct err *err)
{
    bool has_several = options->samples > 1 || options->lasts > 0;
    if (has_several && options->every == 0) {
        err_set(err, ERR_INVALID, "\"every\" is missing, the time from one sample to the next");
        return err_hint(err, "add for example \"every\": \"10s\"");
    }
    bool is_single = options->samples == 1 && options->lasts == 0;
    bool is_too_long = options->lasts == 0 && options->every > pace_lasts(options);
    if (options->every > 0 && (is_single || (options->samples == 0 && is_too_long))) {
        err_set(err, ERR_INVALID, "\"every\" says nothing for a single sample");
        return err_hint(err, "add \"samples\", or \"for\" and a duration");
    }
    return true;
}
