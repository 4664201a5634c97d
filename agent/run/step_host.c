#include "agent/run/step_host.h"

#include "common/log/log.h"
#include "common/platform/files.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ID_BYTES = (STORE_ID_SIZE - 1) / 2, CHILDREN_BYTES_MAX = 64 << 10 };

/* --- identity --------------------------------------------------------------------------------- */

static bool read_id(struct step_host *host, struct store *store, bool *ret_found, struct err *err)
{
    AUTO(buf) text = buf_growing(STORE_ID_SIZE);
    if (!store_get_setting(store, STR("store_id"), &text, ret_found, err)) {
        return false;
    }
    *ret_found = *ret_found && text.len == STORE_ID_SIZE - 1;
    if (*ret_found) {
        memcpy(host->store_id, text.ptr, STORE_ID_SIZE - 1);
    }
    return true;
}

static bool find_id(struct step_host *host, const struct step_host_options *options,
                    struct err *err)
{
    bool found = false;
    if (!read_id(host, options->store, &found, err)) {
        return false;
    }
    if (found) {
        return true;
    }
    uint8_t random[ID_BYTES];
    options->rng->fill(options->rng->ctx, random, sizeof(random));
    for (size_t i = 0; i < ID_BYTES; i++) {
        (void)snprintf(host->store_id + 2 * i, 3, "%02x", random[i]);
    }
    struct err reason = {0};
    if (!store_set_setting(options->store, STR("store_id"), str_from(host->store_id), &reason)) {
        LOG(WARN, "step.id_not_kept", F_ERR(&reason),
            F_T("action", "working on; steps that outlive this agent are not found by the next"));
    }
    return true;
}

/* --- groups ----------------------------------------------------------------------------------- */

static void find_groups(struct step_host *host, struct str setting)
{
    struct err err = {0};
    char folder[LIMIT_PATH_BYTES + 1];
    bool is_auto = str_is_empty(setting) || str_eq(setting, STR("auto"));
    bool ok = true;
    if (str_eq(setting, STR("off"))) {
        ok = err_set(&err, ERR_NOT_FOUND, "they are switched off in the settings");
    } else if (host->helper == NULL) {
        ok = err_set(&err, ERR_NOT_FOUND, "selvedge-exec is not there");
    } else if (!is_auto) {
        ok = files_join("", setting, folder, sizeof(folder), &err);
    }
    if (!ok ||
        !step_groups_open(&host->groups, is_auto ? NULL : folder, str_from(host->store_id), &err)) {
        LOG(INFO, "step.no_groups", F_ERR(&err),
            F_T("action", "steps are held by process groups and limits of each process"));
        return;
    }
    LOG(INFO, "step.groups", F_T("folder", step_groups_folder(host->groups)),
        F_I("memory", step_groups_bound_memory(host->groups)),
        F_I("processes", step_groups_bound_processes(host->groups)));
}

bool step_host_open(struct step_host **ret, const struct step_host_options *options,
                    struct err *err)
{
    struct step_host *host = calloc(1, sizeof(*host));
    if (host == NULL) {
        return err_set(err, ERR_NO_MEMORY, "prepare for steps: out of memory");
    }
    host->loop = options->loop;
    host->proc_dir = options->proc_dir == NULL ? "/proc" : options->proc_dir;
    host->helper = options->helper != NULL && files_exist(options->helper) ? options->helper : NULL;
    if (!reaper_start(&host->reaper, options->loop, err) || !find_id(host, options, err)) {
        step_host_close(host);
        return false;
    }
    find_groups(host, options->cgroup);
    *ret = host;
    return true;
}

void step_host_close(struct step_host *host)
{
    if (host == NULL) {
        return;
    }
    reaper_stop(&host->reaper);
    step_groups_close(host->groups);
    pipes_spares_close(&host->spares);
    free(host);
}

/* --- orphans ---------------------------------------------------------------------------------- */

void step_host_end_orphans(struct step_host *host)
{
    struct err err = {0};
    struct orphans orphans;
    struct orphans_options options = {.proc_dir = host->proc_dir,
                                      .groups = host->groups,
                                      .store = str_from(host->store_id),
                                      .grace_ns = ORPHAN_GRACE_NS,
                                      .clock = loop_clock(host->loop)};
    if (!orphans_end(&options, &orphans, &err)) {
        LOG(ERROR, "step.orphans_not_looked_for", F_ERR(&err),
            F_T("action", "working on; a step may run twice"));
        return;
    }
    for (size_t i = 0; i < orphans.run_count; i++) {
        LOG(WARN, "step.orphans_ended", F_T("run", orphans.runs[i].run),
            F_I("processes", orphans.runs[i].ended));
    }
    if (orphans.left > 0) {
        LOG(ERROR, "step.orphans_left", F_I("processes", orphans.left),
            F_T("action", "working on; they do not end even when killed"));
    }
}

bool step_host_has_orphans(const struct step_host *host)
{
    char path[LIMIT_PATH_BYTES + 1];
    AUTO(buf) text = buf_growing(CHILDREN_BYTES_MAX);
    struct err ignored = {0};
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)gettid());
    if (!files_read(path, &text, &ignored)) {
        return true; /* a kernel without that file, or with too many: look thoroughly */
    }
    struct str rest = str_trim(buf_str(&text));
    while (rest.len > 0) {
        struct str word = STR_NONE;
        int64_t pid = 0;
        (void)str_cut(rest, ' ', &word, &rest);
        if (str_to_i64(word, 1, INT32_MAX, &pid) && !loop_is_watched(host->loop, (pid_t)pid)) {
            return true;
        }
    }
    return false;
}
