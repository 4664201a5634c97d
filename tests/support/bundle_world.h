/* bundle_world.h - a hub's bundle in memory, and a device that takes it in piece by piece. */
#pragma once
#include "agent/bundle/folder.h"
#include "common/platform/rng.h"

enum { WORLD_FILES_MAX = 64 };
struct bundle_world {
    struct buf key, keys; /* private, public */
    struct bundle_file files[WORLD_FILES_MAX];
    struct buf contents[WORLD_FILES_MAX];
    char hashes[WORLD_FILES_MAX][BUNDLE_HASH_SIZE];
    struct bundle_manifest manifest;
    struct buf message; /* signed */
    char hash[BUNDLE_HASH_SIZE];
};
void bundle_world_begin(struct bundle_world *w);
void bundle_world_end(struct bundle_world *w);
/* In the order of paths. */
void bundle_world_add(struct bundle_world *w, const char *path, struct str content,
                      bool is_executable);
void bundle_world_sign(struct bundle_world *w);
/* What the hub answers; borrowed from the world. */
struct bundle_piece bundle_world_piece(const struct bundle_world *w,
                                       const struct bundle_want *want);
/* Until it is whole, or something is wrong. */
bool bundle_world_take(const struct bundle_world *w, const struct incoming_options *options,
                       int64_t piece, struct incoming_progress *ret, struct err *err);
/* Fails the test unless the folder holds exactly what the world has. */
void bundle_world_check(const struct bundle_world *w, const char *state_dir);
