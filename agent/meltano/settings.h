/* settings.h - which settings a plugin has, and what each is: from its definition, its parents,
 * its own `settings:`, and every other key of its config. Internal to agent/meltano. */
#pragma once
#include "agent/meltano/reading.h"

enum setting_kind { /* all that make a difference */
                    KIND_NONE,
                    KIND_STRING, /* and every kind of text */
                    KIND_INTEGER,
                    KIND_BOOLEAN,
                    KIND_DECIMAL,
                    KIND_DATE,
                    KIND_OPTIONS,
                    KIND_ARRAY,
                    KIND_OBJECT,
};

struct setting {
    struct str name;
    enum setting_kind kind;
    const struct json *entry; /* aliases, env, options, ...; NULL: a key of config alone */
    const struct json *value; /* the default; NULL: none */
    const struct json *key;   /* where it was met in a config; NULL */
    bool is_sensitive;
    bool is_custom;
};
struct settings {
    struct arena *arena;
    struct strmap index; /* name -> the last of that name */
    struct setting *items;
    size_t count;
    size_t cap;
};

/* All of a plugin, extras behind the others; with what the environment's entry of it (or NULL)
 * brings. */
struct settings settings_of_plugin(const struct meltano_plugin *plugin,
                                   const struct json *in_environment, struct arena *arena);
/* Meltano's own, for $MELTANO_PROJECT_ID and the like. */
struct settings settings_of_project(struct arena *arena);
bool setting_is_extra(const struct setting *setting);
/* An alias (0, 1, ...) of a setting; STR_NONE behind the last. */
struct str setting_alias(const struct setting *setting, size_t index);

/* The config of an entry with its extras as keys that begin with '_', flattened. */
struct flat config_of_plugin(const struct meltano_plugin *plugin, struct arena *arena);
struct flat config_of_environment(const struct json *in_environment, struct arena *arena);
