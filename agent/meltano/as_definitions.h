/* as_definitions.h - a project as definitions of the agent (docs/reference/definitions.md): blocks
 * become assets, jobs and schedules become jobs and schedules. */
#pragma once
#include "agent/meltano/catalog.h"

enum meltano_schedules {
    MELTANO_SCHEDULES_RUNNING,
    MELTANO_SCHEDULES_PAUSED,
    MELTANO_SCHEDULES_NONE
};
struct meltano_import {
    struct str path;           /* of meltano.yml, as the definitions are to name it */
    struct str environment;    /* empty: the default one */
    const struct str_map *env; /* variables for the plugins, as written */
    struct str_list skip;      /* names of jobs and schedules that are left out */
    enum meltano_schedules schedules;
    struct str timezone;               /* empty: UTC */
    const struct meltano_files *files; /* kept catalogs are read through it, if they are there */
};
/* Appends the JSON of an object with assets, jobs and schedules. Streams are those of the catalog that
 * was kept, with the rules applied; else those that the rules name; else a block makes one asset, with
 * the tap's name. ERR_INVALID: a job or schedule is not what Meltano would run; ERR_FULL. */
MUST_CHECK bool meltano_write_definitions(const struct meltano_project *project,
                                          const struct meltano_import *import, struct buf *out,
                                          struct err *err);
