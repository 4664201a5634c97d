/* meltano.h - a Meltano project as its files say it, resolved the way Meltano 4.2 does, without
 * Python: plugins, environments, jobs, schedules; the settings of a plugin with their values, the
 * environment of its process, the blocks of a job. It reads files through a port, decides, and
 * starts nothing. What is read and where it differs: docs/reference/meltano.md. */
#pragma once
#include "common/json/fields.h"

/* How loading reaches the world. Paths are NUL-terminated. */
struct meltano_files {
    /* ERR_NOT_FOUND when there is none. */
    bool (*read_file)(void *ctx, const char *path, struct buf *into, struct err *err);
    /* Appends an entry each, in any order: 'f' for a file, 'd' for a folder, 'l' for a link to a
     * folder; the name; a NUL. */
    bool (*list_folder)(void *ctx, const char *path, struct buf *into, struct err *err);
    void *ctx;
};
struct meltano_files meltano_system_files(void);
/* The folder of a meltano.yml of this machine, absolute and without links: the root that
 * meltano_load() wants. */
enum { MELTANO_ROOT_SIZE = 4096 };
MUST_CHECK bool meltano_root_of(const char *path, char ret_root[MELTANO_ROOT_SIZE],
                                struct err *err);

/* The variables of the process that asks, which win over .env and meltano.yml where settings are
 * concerned, and lose to `env:` keys. False: not set. */
struct meltano_terminal {
    bool (*get)(void *ctx, struct str name, struct str *ret_value);
    void *ctx;
};

enum meltano_type { /* in the order in which Meltano looks for a name */
                    MELTANO_EXTRACTORS,
                    MELTANO_LOADERS,
                    MELTANO_TRANSFORMS,
                    MELTANO_ORCHESTRATORS,
                    MELTANO_TRANSFORMERS,
                    MELTANO_FILE_BUNDLES,
                    MELTANO_UTILITIES,
                    MELTANO_MAPPERS,
};
enum { MELTANO_TYPES = MELTANO_MAPPERS + 1 };
const char *meltano_type_name(enum meltano_type type); /* "extractors", as in meltano.yml */
const char *meltano_type_one(enum meltano_type type);  /* "extractor" */

/* Where the definition of a plugin comes from. */
enum meltano_origin {
    MELTANO_CUSTOM,    /* its entry in the project: it has a namespace */
    MELTANO_LOCKED,    /* a lock file, of its own name or of the one it inherits from */
    MELTANO_INHERITED, /* another plugin of the project */
    MELTANO_UNDEFINED, /* there is no lock file: only what its entry says is known */
};
const char *meltano_origin_name(enum meltano_origin origin);

struct meltano_plugin {
    enum meltano_type type;
    enum meltano_origin origin;
    struct str name;
    struct str mapping; /* of a mapper: the mapping that is meant; empty for the mapper itself */
    struct str inherit_from;
    struct str namespace;
    struct str variant;
    struct str pip_url; /* not expanded; ptr NULL: nothing is installed */
    struct str executable;
    struct str folder;                   /* of its environment: .meltano/<type>/<folder>/venv */
    struct str lock;                     /* path of its lock file; empty when it has none */
    const struct meltano_plugin *parent; /* MELTANO_INHERITED */
    const struct json *entry;            /* in meltano.yml */
    const struct json *definition;       /* the lock file's object; NULL when there is none */
    const struct json *extras;           /* object: `select` and whatever is no field of a plugin */
    struct location at;
};

struct meltano_environment {
    struct str name;
    const struct json *entry;
    struct location at;
};

struct meltano_job {
    struct str name;
    const struct json *tasks; /* as written; NULL when missing */
    struct str_list words;    /* flattened: what `meltano run` would be given */
    struct location at;
};

struct meltano_schedule {
    struct str name;
    struct str job; /* empty: extractor and loader, the older kind */
    struct str extractor;
    struct str loader;
    struct str transform;
    struct str interval;      /* as written */
    struct str cron;          /* five fields; empty: only by hand (@once, @manual, @none) */
    const struct json *env;   /* NULL: none */
    const struct json *entry; /* in meltano.yml */
    struct location at;
};

struct meltano_project {
    struct arena arena;      /* owns everything below */
    struct str path;         /* of meltano.yml, as given */
    struct str dir;          /* its folder, as given, "." for the current one */
    struct str root;         /* the folder, absolute */
    const struct json *tree; /* meltano.yml and what it includes, merged */
    struct str *files;       /* location.file is an index */
    size_t file_count;
    struct meltano_plugin *plugins; /* by type, then as written; a mapper's mappings behind it */
    size_t plugin_count;
    struct meltano_environment *environments;
    size_t environment_count;
    struct meltano_job *jobs;
    size_t job_count;
    struct meltano_schedule *schedules;
    size_t schedule_count;
    struct str default_environment; /* may be empty */
    struct str dotenv;              /* the text of .env */
};

/* Reads the project of the file `path`. `root` is its folder as an absolute path. What is wrong
 * but can be lived with goes to `warnings` (the caller sets its arena), what cannot to `errors`;
 * then false, and err is the first of them, or ERR_NO_MEMORY, ERR_FULL. */
struct meltano_report {
    struct problems errors;
    struct problems warnings;
};
MUST_CHECK bool meltano_load(const char *path, struct str root, const struct meltano_files *files,
                             struct meltano_report *report, struct meltano_project **ret,
                             struct err *err);
void meltano_close(struct meltano_project *project); /* NULL is allowed */

/* By name in the order of types, as `meltano run` finds it; a mapper by the name of a mapping too.
 * NULL when there is none. */
const struct meltano_plugin *meltano_find_plugin(const struct meltano_project *project,
                                                 struct str name);
const struct meltano_plugin *meltano_find_plugin_of(const struct meltano_project *project,
                                                    enum meltano_type type, struct str name);
const struct meltano_job *meltano_find_job(const struct meltano_project *project, struct str name);
/* ERR_NOT_FOUND with the names that there are as hint. An empty name is the default one; without
 * one *ret is NULL: no environment. */
MUST_CHECK bool meltano_find_environment(const struct meltano_project *project, struct str name,
                                         const struct meltano_environment **ret, struct err *err);

/* --- values -------------------------------------------------------------------------------------
 */

struct meltano_context {
    const struct meltano_project *project;
    const struct meltano_environment *environment; /* NULL: none */
    const struct meltano_terminal *terminal;       /* NULL: no variables */
    const struct meltano_schedule
        *schedule;             /* that it runs for: its `env` goes before the terminal;
                                                NULL: none */
    struct problems *problems; /* what is wrong with values is added; NULL: it is not said */
};

enum meltano_source { /* later ones yield */
                      MELTANO_FROM_ENV,
                      MELTANO_FROM_DOTENV,
                      MELTANO_FROM_ENVIRONMENT,
                      MELTANO_FROM_PROJECT,
                      MELTANO_FROM_PARENT,
                      MELTANO_FROM_DEFAULT,
};
const char *meltano_source_name(enum meltano_source source);

struct meltano_value {
    struct str name;          /* dotted; an extra begins with '_' */
    const struct json *value; /* NULL: none */
    const struct json *shown; /* as it may be printed: not expanded, a variable as $NAME, what is
                                 or seems secret as "(redacted)"; NULL: none */
    enum meltano_source source;
    struct str env_var; /* MELTANO_FROM_ENV, MELTANO_FROM_DOTENV */
    bool is_sensitive;  /* a definition says so */
    bool is_extra;
    bool is_custom;     /* no definition declares it */
    struct location at; /* where the value or else the definition stands; line 0: in a lock file */
};
struct meltano_variable {
    struct str name;
    struct str value;
};
/* All that a process of a plugin is given. */
struct meltano_setup {
    const struct meltano_plugin *plugin;
    struct meltano_value *values;
    size_t value_count;
    const struct json *config;    /* what its configuration file holds */
    const struct json *shown;     /* the same of what may be printed */
    struct meltano_variable *env; /* beside the terminal's own, and over them */
    size_t env_count;
    struct meltano_variable *exported; /* of these, what the plugins behind it in a block see too */
    size_t exported_count;
};
/* `before` is the set-up of the plugin before it in a block, or NULL. What cannot be used (a value
 * that is no number, one setting given twice) is a problem of the context. False: ERR_FULL. */
MUST_CHECK bool meltano_set_up(const struct meltano_context *context,
                               const struct meltano_plugin *plugin,
                               const struct meltano_setup *before, struct arena *arena,
                               struct meltano_setup *ret, struct err *err);
/* By name, or NULL. */
const struct meltano_value *meltano_find_value(const struct meltano_setup *setup, struct str name);

/* --- blocks -------------------------------------------------------------------------------------
 */

enum { MELTANO_BLOCK_PLUGINS_MAX = 16 };
struct meltano_block {
    const struct meltano_plugin *plugins[MELTANO_BLOCK_PLUGINS_MAX]; /* tap, mappings, target; or a
                                                                        single other plugin */
    size_t plugin_count;
    struct str command; /* behind the colon of a plugin that is run alone; may be empty */
};
struct meltano_blocks {
    struct meltano_block *items;
    size_t count;
};
/* What `meltano run` would make of the words. ERR_INVALID or ERR_NOT_FOUND with Meltano's reason. */
MUST_CHECK bool meltano_read_blocks(const struct meltano_project *project,
                                    const struct str_list *words, struct arena *arena,
                                    struct meltano_blocks *ret, struct err *err);
bool meltano_is_el(const struct meltano_block *block); /* a tap and a target */
/* "prod:tap-x-to-target-y[:suffix]"; empty without an environment, when Meltano keeps no state. */
struct str meltano_state_id(const struct meltano_context *context,
                            const struct meltano_block *block, struct arena *arena);

/* The program of a plugin that was set up, or of its command (may be empty), with its arguments: [0]
 * is an absolute path, or a name to look for in PATH when nothing is installed. A tap or target gets
 * no arguments here: its files are made when it runs. */
MUST_CHECK bool meltano_program(const struct meltano_context *context,
                                const struct meltano_setup *setup, struct str command,
                                struct arena *arena, struct str_list *ret, struct err *err);
/* Names and arguments of the commands that a plugin has, its parents' too. */
struct meltano_command {
    struct str name;
    struct str args;
    struct str executable;        /* may be empty */
    const struct json *container; /* or NULL */
};
struct meltano_commands {
    struct meltano_command *items;
    size_t count;
};
struct meltano_commands meltano_commands_of(const struct meltano_plugin *plugin,
                                            struct arena *arena);
/* Capabilities of a tap, target or mapper, from its entry or its definition. */
struct str_list meltano_capabilities_of(const struct meltano_plugin *plugin, struct arena *arena);

/* The streams that the rules of a tap name without wildcards, when those are all that it selects;
 * else none: only the tap knows. */
struct str_list meltano_streams(const struct meltano_setup *tap, struct arena *arena);

/* All that running a block takes. */
struct meltano_process {
    struct meltano_setup setup;
    struct str_list argv;
};
struct meltano_step {
    struct meltano_process processes[MELTANO_BLOCK_PLUGINS_MAX]; /* as the block's plugins */
    size_t process_count;
    struct str state_id; /* empty: no state is kept */
    /* Of a tap and a target: */
    struct str_list streams;   /* see meltano_streams() */
    struct str_list assets;    /* keys, <schema or target>/<stream>; one of the tap's name when only
                                the tap knows its streams */
    const struct json *select; /* arrays of rules; may be NULL */
    const struct json *select_filter; /* may be NULL */
    const struct json *metadata;      /* objects; may be NULL */
    const struct json *schema;        /* may be NULL */
    struct str catalog;               /* paths relative to the project; may be empty */
    struct str state;
    bool takes_catalog;    /* --catalog */
    bool takes_properties; /* --properties, which is older */
    bool takes_state;
};
/* ERR_INVALID: a value cannot be used, or a command is not there; nothing is to be started then.
 * ERR_NOT_FOUND: there is no such command. ERR_FULL. */
MUST_CHECK bool meltano_make_step(const struct meltano_context *context,
                                  const struct meltano_block *block, struct arena *arena,
                                  struct meltano_step *ret, struct err *err);

/* Five fields of cron for an interval as written: aliases replaced. Empty: by hand only. False: it
 * is none. */
MUST_CHECK bool meltano_cron_of(struct str interval, struct str *ret);

/* --- telling ------------------------------------------------------------------------------------
 */

/* Each appends what became of the project, and adds what it finds wrong with values and jobs to the
 * report's warnings. No value that is or seems secret is told. False: ERR_FULL. */
struct meltano_telling {
    const struct meltano_context *context;
    struct meltano_report *report;
    bool is_open; /* of tests: values too, as a process would be given them */
};
/* All of it, as docs/reference/meltano.md describes. */
MUST_CHECK bool meltano_write_json(const struct meltano_telling *telling, struct buf *out,
                                   struct err *err);
/* Plugins, blocks, jobs, schedules: a line each. */
MUST_CHECK bool meltano_write_summary(const struct meltano_telling *telling, struct buf *out,
                                      struct err *err);
/* What each line became, with its place; of one plugin, job or schedule, or of all when the name is
 * empty. ERR_NOT_FOUND. */
MUST_CHECK bool meltano_write_explained(const struct meltano_telling *telling, struct str name,
                                        struct buf *out, struct err *err);
