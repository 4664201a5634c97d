/* service.h - the settings of one plugin (or of the project) with everything that gives them
 * values, as Meltano's SettingsService. Internal to agent/meltano. */
#pragma once
#include "agent/meltano/settings.h"

struct lookup { /* a flattened config by key */
    struct flat flat;
    struct strmap index;
};

struct project_env;
struct service {
    const struct meltano_context *context;
    const struct meltano_plugin *plugin; /* NULL: the project */
    const struct json *in_environment;   /* the environment's entry of the plugin, or NULL */
    struct settings settings;
    struct lookup config;
    struct lookup environment_config;
    struct env over; /* `env:` keys and what Meltano sets: over the terminal */
    const struct env *dotenv;
    const struct project_env *project; /* NULL: of the project itself */
    struct memo *memo[2];              /* by setting: what get() gave, not expanded and expanded */
    struct env *with_config;           /* `over` and the settings as variables; made when needed */
    struct service *parent;
    struct arena *arena;
    struct problems *problems;
    bool is_strict;
};

/* What a setting's value is and where it was found. */
struct found {
    const struct json *value; /* NULL: none */
    enum meltano_source source;
    struct str env_var;
    bool is_expandable; /* not expanded yet */
};

/* An object is made of the settings below its name, each of which may be one in turn: without a
 * memory the work would double with each level. */
struct memo {
    struct found found;
    bool is_known;
};

/* The variables of .env, and of the project for all its plugins. */
struct project_env {
    struct env dotenv;
    struct env over;   /* MELTANO_PROJECT_ROOT and its like, root `env:` */
    struct env config; /* Meltano's own settings as variables */
    bool is_strict;
};
void project_env_init(struct project_env *ret, const struct meltano_context *context,
                      struct arena *arena, struct problems *problems);

/* `before` is what the plugins before it in a block export, or NULL. NULL: no memory. */
struct service *service_new(const struct meltano_context *context,
                            const struct project_env *project, const struct meltano_plugin *plugin,
                            const struct env *before, struct arena *arena,
                            struct problems *problems);
/* With variables expanded and the kind that the setting has. */
struct found service_get(struct service *s, const struct setting *setting);
/* As it stands: neither expanded nor cast, and no object out of its parts. */
struct found service_look_up(struct service *s, const struct setting *setting);
/* The variables of the schedule that a context runs for are the terminal's, over those that it has.
 * `scheduled` lives as long as the context that is returned. */
struct scheduled {
    struct env env;
    const struct meltano_terminal *below;
    struct meltano_terminal terminal;
};
struct meltano_context scheduled_context(const struct meltano_context *context, struct arena *arena,
                                         struct scheduled *scheduled);
/* Every setting of a name once: the last definition of it. */
bool service_is_last(const struct service *s, size_t index);

enum extras { EXTRAS_NONE, EXTRAS_TOO };
void service_write_env(struct service *s, enum extras extras, struct env *into);
/* MELTANO_EXTRACTOR_NAME and its like. */
void service_write_info(const struct meltano_plugin *plugin, struct env *into);
/* `env:` of an entry, with values as Python's str() writes them. */
void env_put_entry(struct env *into, const struct json *entry);
/* The same, each value expanded with `chain`. */
void env_put_expanded(struct env *into, const struct json *entry, const struct env_chain *chain);

/* hide.c: what may be printed of a value. */
const struct json *shown_value(struct service *s, const struct setting *setting,
                               const struct found *found);
const struct json *shown_tree(struct arena *a, const struct json *node);

/* cast.c: the value in the kind of its setting; NULL with a problem when it cannot be. */
const struct json *cast_value(struct service *s, const struct setting *setting,
                              const struct json *value);
/* What happens to a value when the configuration file is written. */
const struct json *post_process(struct service *s, const struct setting *setting,
                                const struct json *value);
PRINTF_LIKE(3, 4)
void setting_problem(struct service *s, const struct setting *setting, const char *fmt, ...);
