/* limits.h - every maximum of the product that is not configurable, in one place. docs/limits.md
 * explains them. */
#pragma once

enum {
    /* names */
    LIMIT_NAME_BYTES = 63,        /* project, device, resource, job, schedule, fleet */
    LIMIT_ASSET_KEY_BYTES = 255,  /* "a/b/c" as text */
    LIMIT_CHECK_NAME_BYTES = 255, /* of a dbt test; of others LIMIT_NAME_BYTES */
    LIMIT_ASSET_KEY_PARTS = 16,
    LIMIT_PATH_BYTES = 1023,

    /* definitions */
    LIMIT_DEFINITIONS_BYTES = 4 << 20, /* of a file, and of all that it includes together */
    LIMIT_DEFINITIONS_FILES = 256,
    LIMIT_INCLUDE_DEPTH = 8,
    LIMIT_DEFINITIONS_ARENA = 64 << 20,
    LIMIT_ASSETS = 20000,
    LIMIT_DEPS_PER_ASSET = 1000,
    LIMIT_SELECTION_BYTES = 4096,
    LIMIT_SELECTION_DEPTH = 32,

    /* json, yaml */
    LIMIT_JSON_BYTES = 4 << 20,
    LIMIT_JSON_DEPTH = 16,
    LIMIT_YAML_DEPTH = 32,
    LIMIT_YAML_NODES = 400000,
    LIMIT_YAML_ANCHORS = 256,

    /* events and sync */
    LIMIT_EVENT_BYTES =
        64 << 10, /* one event as JSON; larger metadata is clipped by its producer */
    LIMIT_BATCH_EVENTS = 256,
    LIMIT_BATCH_BYTES =
        256 << 10, /* before compression; a batch of one event may reach LIMIT_EVENT_BYTES */
    LIMIT_MESSAGE_BYTES = 320 << 10, /* any MQTT payload */
    LIMIT_SYNC_WINDOW = 8,           /* batches in flight */

    /* steps */
    LIMIT_STEP_OUTPUT_BYTES =
        1 << 20, /* captured output kept of each stream of an attempt; the rest is counted */
    LIMIT_STEP_LINE_BYTES = 8 << 10,
    LIMIT_STEP_ARGS = 256,
    LIMIT_STEP_ENV = 256,
    LIMIT_METADATA_ENTRIES = 64,
    LIMIT_RUN_STEPS = LIMIT_ASSETS,
    LIMIT_STEP_ASSETS = 10000,        /* that one step makes */
    LIMIT_STEP_CHECKS = 50000,        /* that it reports */
    LIMIT_CHECKS_PER_ASSET = 1000,    /* a wide table has many */
    LIMIT_PIPES_LINE_BYTES = 2 << 20, /* one message of a step's program; longer ones are counted */
    LIMIT_RUN_PARTITIONS = 10000,     /* of the range that one run makes */
    LIMIT_RUN_PARTITION_BYTES = 128 << 10, /* of their keys */

    /* extract/load */
    LIMIT_SINGER_LINE_BYTES = 50 << 20,
    LIMIT_COLUMNS = 1000,
    LIMIT_STREAMS = 1000, /* of a tap */

    /* dbt */
    LIMIT_DBT_DEFINITIONS_BYTES = 12 << 20, /* of all that projects become, as JSON */
    LIMIT_DBT_MANIFEST_BYTES = 512 << 20,   /* unpacked; a bundle too */
    LIMIT_DBT_NODE_BYTES =
        8 << 20, /* one node, source, macro, ... as JSON; a seed's with its file */
    LIMIT_DBT_NODE_ARENA = 64 << 20, /* to run one: its settings, its SQL, what the database says */
    LIMIT_DBT_ID_BYTES = 1024,
    LIMIT_DBT_NODES = 100000, /* nodes, sources, exposures, ... of a project together */
    LIMIT_DBT_MACROS = 50000,
    LIMIT_DBT_TAGS = 1000,       /* of a node */
    LIMIT_DBT_ARENA = 256 << 20, /* what is kept of a project */

    /* selecting by dbt's syntax */
    LIMIT_DBT_SELECTION_BYTES = 64 << 10, /* all texts of one selection together */
    LIMIT_DBT_SELECTION_DEPTH = 32,
    LIMIT_DBT_SELECTION_ARENA = 32 << 20,
};
