/* project.h - a dbt project as its manifest.json tells it (versions 10 to 12), or a bundle that was
 * made of one: what there is, what is made from what, and where in the file each node stands.
 *
 * A manifest has tens of megabytes. It is read once, in pieces, one node at a time; kept is what
 * selecting, ordering and admitting need. All else, above all the SQL, is read again from its place
 * in the file when a node is run (dbt_project_read()). So memory is bounded by the number of nodes
 * and by the largest of them, and a file that was replaced meanwhile is noticed.
 *
 * Lenient as dbt's own readers are not: null is as good as missing, unknown keys and unknown resource
 * types are passed over. Source of the format: https://schemas.getdbt.com/dbt/manifest/v12.json */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/json/fields.h"
#include "common/json/json.h"

enum dbt_type {
    DBT_MODEL,
    DBT_SEED,
    DBT_SNAPSHOT,
    DBT_TEST, /* a data test: generic or singular */
    DBT_UNIT_TEST,
    DBT_SOURCE,
    DBT_EXPOSURE,
    DBT_METRIC,
    DBT_SEMANTIC_MODEL,
    DBT_SAVED_QUERY,
    DBT_ANALYSIS,
    DBT_OPERATION, /* on-run-start, on-run-end */
    DBT_FUNCTION,
};
const char *dbt_type_name(enum dbt_type type); /* as in unique ids: "model", "unit_test" */

/* What compiled code depends on beside the tables that it names: found in the macros that the node
 * calls, and those that these call, and in its own raw code. */
enum dbt_uses {
    DBT_USES_IS_INCREMENTAL = 1, /* the full and the incremental text differ */
    DBT_USES_DATABASE = 2, /* run_query, statement, adapter.*: literals of the compiling database */
    DBT_USES_RUN = 4,      /* run_started_at, invocation_id, flags, modules.datetime: frozen */
    DBT_USES_ENVIRONMENT = 8, /* env_var(), var(), target.*: of the compiling machine */
};

enum dbt_variant {
    DBT_FULL,        /* is_incremental() was false */
    DBT_INCREMENTAL, /* it was true; of those nodes of which there are two texts */
};

/* Where the object of a node stands. */
struct dbt_place {
    int64_t offset;
    int64_t length; /* 0: nowhere */
};

#define DBT_NO_NODE  UINT32_MAX
#define DBT_COMPARES "1"

/* Texts that are not given are empty. */
struct dbt_node {
    enum dbt_type type;
    struct str unique_id;
    struct str name;
    struct str package;
    struct str_list fqn;
    struct str_list tags;        /* of `config.tags` and `tags`, without repeats */
    struct str file_path;        /* original_file_path */
    struct str patch_path;       /* of the YAML file, without "package://" */
    struct str relation_name;    /* quoted for the database, as dbt quotes it */
    struct str database, schema; /* as resolved */
    struct str alias;            /* of a source: its identifier */
    struct str materialized;     /* of config: "view", "incremental", ... */
    struct str group, access;    /* node level, else of config */
    struct str version, latest_version;
    struct str source_name;  /* of a source */
    struct str test_name;    /* test_metadata.name: of a generic test */
    uint32_t attached;       /* of a test: the node that it was declared on; or DBT_NO_NODE */
    const uint32_t *parents; /* depends_on.nodes that there are, ascending */
    size_t parent_count;
    uint8_t uses;     /* enum dbt_uses */
    bool is_compiled; /* it has compiled_code */
    bool is_warning;  /* of a test: severity is warn */
    bool goes_on;     /* config.on_error is "continue" */
    /* Of an incremental model: both compilations have it. Without a place of DBT_INCREMENTAL the texts
     * are the same, byte for byte, and it does not ask is_incremental() (else one of them was compiled
     * against the wrong database, and it is not paired). */
    bool is_paired;
    struct dbt_place places[2]; /* by enum dbt_variant */
};

/* Who answers for the nodes of a group. */
struct dbt_group {
    struct str name, package;
    struct str owner_name, owner_email;
};

/* A macro that stands in the place of one of dbt's that run when a node runs. */
struct dbt_override {
    struct str macro;   /* "shop.create_table_as" */
    struct str file;    /* original_file_path */
    struct str adapter; /* that it is for: "sqlite", "postgres"; empty: any */
    uint8_t kinds;      /* of nodes that go through it (overrides.c) */
};

struct dbt_project {
    int schema_version; /* 10 to 12 */
    struct str dbt_version, adapter_type, name;
    struct dbt_node *nodes; /* sorted by unique_id, bytewise */
    size_t count;
    const uint32_t *first_child; /* count + 1 places in `children` */
    const uint32_t *children;    /* ascending for each node */
    struct dbt_group *groups;    /* in the order of the file */
    size_t group_count;
    struct dbt_override *overrides; /* in the order of the file */
    size_t override_count;
    struct dbt_place selectors; /* the object of selectors.yml, in the first file */
    bool is_bundle;
    struct str compares; /* of a bundle: DBT_COMPARES when it has all that `state:` compares */
    struct str
        made_of; /* of what a device kept: the one manifest that all of it is of; empty: several */
    size_t disabled_count; /* unique ids */
    size_t passed_over;    /* nodes of types that we do not know, or not enabled; tests of such */
    struct dbt_files *files;
    struct arena arena; /* owns all above but `nodes`, `groups` and `overrides` */
};

struct dbt_open {
    const char *path;        /* manifest.json or a bundle; either may be packed by gzip */
    const char *incremental; /* the manifest of the second compilation, or NULL */
    /* Where a packed file is unpacked, without a name; NULL: TMPDIR, or /tmp. */
    const char *scratch_dir;
};

/* Errors: ERR_NOT_FOUND, ERR_DENIED, ERR_IO; ERR_INVALID with the byte, when it is no manifest, of
 * another version, circular, or not whole; ERR_FULL over a limit of docs/limits.md, with its name. */
MUST_CHECK bool dbt_project_open(const struct dbt_open *open, struct dbt_project **ret,
                                 struct err *err);
void dbt_project_close(struct dbt_project *project); /* NULL is allowed */

/* By unique id; DBT_NO_NODE when there is none. */
uint32_t dbt_project_find(const struct dbt_project *project, struct str unique_id);
/* The whole node as it is written, from the file; of a bundle what the bundle kept, with the variant's
 * `compiled_code`, and beside it `uses`, `raw_code_sha1` instead of `raw_code`, and a seed's file as
 * `seed_text`. ERR_CORRUPT when the file is no longer what was opened; ERR_NOT_FOUND when the node has
 * no such variant. */
MUST_CHECK bool dbt_project_read(const struct dbt_project *project, uint32_t node,
                                 enum dbt_variant variant, struct arena *arena, struct json **ret,
                                 struct err *err);
/* `selectors`, or NULL when there are none. */
MUST_CHECK bool dbt_project_read_selectors(const struct dbt_project *project, struct arena *arena,
                                           struct json **ret, struct err *err);
