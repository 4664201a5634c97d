#include "agent/daemon/own_program.h"

#include "common/platform/files.h"
#include <stdio.h>
#include <unistd.h>

bool own_program_find(const char *name, char ret_path[LIMIT_PATH_BYTES + 1], struct err *err)
{
    char self[LIMIT_PATH_BYTES + 1];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len <= 0) {
        return err_set(err, ERR_NOT_FOUND, "find %s: /proc/self/exe cannot be read", name);
    }
    struct str dir = STR_NONE;
    struct str own = STR_NONE;
    (void)str_cut_last((struct str){self, (size_t)len}, '/', &dir, &own);
    (void)snprintf(ret_path, LIMIT_PATH_BYTES + 1, STR_FMT "/../lib/selvedge/%s", STR_ARG(dir),
                   name);
    if (!files_exist(ret_path)) {
        (void)snprintf(ret_path, LIMIT_PATH_BYTES + 1, STR_FMT "/%s", STR_ARG(dir), name);
    }
    return true;
}

bool own_program_worker(const struct agent_config *config, char ret_path[LIMIT_PATH_BYTES + 1],
                        struct err *err)
{
    if (str_is_empty(config->worker)) {
        return own_program_find("selvedge-el", ret_path, err);
    }
    (void)snprintf(ret_path, LIMIT_PATH_BYTES + 1, STR_FMT, STR_ARG(config->worker));
    return true;
}
