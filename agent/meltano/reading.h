/* reading.h - one project while it is read. Internal to agent/meltano. */
#pragma once
#include "agent/meltano/env.h"
#include "agent/meltano/tree.h"

enum {
    PROJECT_ARENA_MAX = 64 << 20,
    PROJECT_FILES_MAX = 256,
    PROJECT_ENTRIES_MAX = 200000, /* of folders that a pattern goes through */
    FOLDER_BYTES_MAX = 8 << 20,
    FOLDER_DEPTH_MAX = 24,
    LOCK_BYTES_MAX = 1 << 20,
    DOTENV_BYTES_MAX = 256 << 10,
    PLUGINS_MAX = 1000,
    SETTINGS_MAX = 8192, /* of a plugin */
};

struct reading {
    struct meltano_project *project;
    const struct meltano_files *files;
    struct meltano_report *report;
    struct arena *arena; /* the project's */
    size_t bytes;        /* read up to now */
};

struct location at_node(const struct json *node);
struct location at_key(const struct json *node);
struct location at_member(const struct json *object, const char *key); /* else the object's */

/* Reads meltano.yml, what it includes, and .env. False: the report says why, or the arena is
 * exhausted. */
bool read_project_files(struct reading *r);
/* The files below the project's folder that match, sorted; relative to it. False: it was reported.
 */
bool find_files(struct reading *r, const struct json *pattern, struct str_list *ret);
/* Plugins, environments, jobs, schedules out of the tree. */
bool read_plugins(struct reading *r);
bool read_environments(struct reading *r);
bool read_jobs(struct reading *r);
bool read_schedules(struct reading *r);

/* The elements of a list of objects; what is none of it is reported. NULL: there are none. */
const struct json *list_of_objects(struct reading *r, const struct json *object, const char *key);
/* Warns of members that nobody reads, with the nearest name that somebody does. */
void warn_unknown(struct reading *r, const struct json *object, const char *what,
                  const char *const *known, size_t count);
/* The name of an entry; empty (and an error) when it has none or has a ':'. */
struct str name_of(struct reading *r, const struct json *entry, const char *what);

/* step.c: where a target puts its tables, and the key of an asset there; STR_NONE: it is too long, or
 * there is no memory. */
struct str meltano_place_of(const struct meltano_setup *target);
struct str meltano_asset_key(struct str place, struct str stream, struct arena *arena);
