/* enrol.h - certificates for simulated devices, as the hub gives them: a token, and for each device a
 * key, a request and registry_enrol(). About 10 ms each on a processor of 2026. */
#pragma once
#include "hub/config/config.h"
#include "hub/simulate/device.h"

struct enrol_job {
    const struct hub_config *config;
    struct device *devices;
    int64_t count;
    struct device_host *host;
    uint64_t seed;
    struct str prefix; /* of the names: "sim-3f2a" */
    /* Asked and told after each device; false = stop. May be NULL. */
    bool (*on_progress)(void *ctx, int64_t done, int64_t total);
    void *ctx;
};
/* Opens all devices. Blocks. ERR_CANCELLED when on_progress said so. The devices opened so far are
 * the caller's to close in any case. */
MUST_CHECK bool enrol_all(const struct enrol_job *job, struct err *err);
