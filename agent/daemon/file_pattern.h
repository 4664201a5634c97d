/* file_pattern.h - the files that a sensor watches: a folder, and a name with wildcards. */
#pragma once
#include "agent/definitions/definitions.h"
#include "agent/sense/arrivals.h"
#include "common/base/limits.h"

enum { FILE_PATH_SIZE = LIMIT_PATH_BYTES + 1 };
struct file_pattern {
    char dir[FILE_PATH_SIZE];
    char name[FILE_PATH_SIZE];
    int64_t since_ns; /* what changed at this time or before is not looked at */
};
/* `since` is the sensor's cursor, a time or empty. */
MUST_CHECK bool file_pattern_read(struct file_pattern *ret, const struct definitions *defs,
                                  const struct sensor *sensor, const struct env_lookup *env,
                                  struct str since, struct err *err);
/* As a shell has it: a wildcard does not stand for a dot at the beginning, which is how what is being
 * uploaded is often called. */
bool file_pattern_matches(const struct file_pattern *p, struct str name);
/* False: it is longer than a path may be. */
bool file_pattern_path(const struct file_pattern *p, struct str name, char ret[FILE_PATH_SIZE]);
/* False: it is not there, is no file, or is too old. */
bool file_pattern_look(const struct file_pattern *p, const char *path, struct file_facts *ret);
