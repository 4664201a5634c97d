/* explain_parts.h - how one object after another is explained. Internal to agent/definitions. */
#pragma once
#include "agent/definitions/explain.h"
#include "agent/definitions/outline.h"
#include "common/base/strmap.h"

/* Names in the order in which they were met. */
struct name {
    struct str text;
    struct name *next;
};
struct names {
    struct strmap known;
    struct name *first;
    struct name *last;
};

struct explaining {
    const struct definitions *defs;
    const struct explain *what;
    struct outline o;
    struct arena arena; /* texts filled in */
    struct names secrets;
    struct names unset;   /* variables */
    bool masks_variables; /* their values too */
    struct str last_try;  /* the variable that was looked for last and is not set */
};

/* What cannot be filled in stays as it was written; secrets are masked. */
struct str filled(struct explaining *x, struct str text);
/* A text, list or map with its variables filled in and its secrets masked; not when empty. */
void say(struct explaining *x, const char *key, struct str text);
void say_list(struct explaining *x, const char *key, const struct str_list *list);
void say_map(struct explaining *x, const char *key, const struct str_map *map);
/* What a resource or a block says (`written`). A secret is masked even when it stands there itself. */
void say_options(struct explaining *x, const struct connector *c, enum connector_use use,
                 struct str written);
/* That this build was made without it, and which package or option brings it; nothing of others. */
void say_absence(struct explaining *x, const struct connector *c);
/* What a selection names. */
void say_selected(struct explaining *x, const uint32_t *assets, size_t count);
/* The beginning of an object, with its place: under its name, or in a list. */
void begin_named(struct explaining *x, struct str name, struct location at);
void begin_item(struct explaining *x, struct location at);

void say_resource(struct explaining *x, const struct resource *resource);
void say_pool(struct explaining *x, const struct pool *pool);
void say_asset(struct explaining *x, const struct asset *asset);
/* With its assets that are in `set`; NULL = all. */
void say_step(struct explaining *x, const struct shared_step *step, const bool *set);
void say_job(struct explaining *x, const struct job *job);
void say_schedule(struct explaining *x, const struct schedule *schedule);
void say_sensor(struct explaining *x, const struct sensor *sensor);
