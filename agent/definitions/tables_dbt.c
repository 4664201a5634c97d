/* tables_dbt.c - the keys of dbt projects: where a project is and how its nodes run. */
#include "agent/definitions/field_macros.h"
#include "agent/definitions/tables.h"
#include "common/base/limits.h"

enum { SELECT_MAX = 1000, OWNERS_MAX = 16 };

static const char *const runner_names[] = {"auto", "native", "dbt", NULL};

/* What an entry of `dbt` and an asset's block have in common; `at` is where a member stands in `owner`. */
#define RUN_FIELDS(owner, at)                                                                      \
    FIELD(STR, "manifest", owner, at(manifest),                                                    \
          "Its `manifest.json`, as `dbt compile` wrote it, or a bundle that `selvedge-hub "        \
          "dbt-bundle` made; either may be packed by gzip.",                                       \
          .required = true),                                                                       \
        FIELD(STR, "incremental", owner, at(incremental),                                          \
              "The manifest of a second compilation, in which `is_incremental()` was true. A "     \
              "bundle holds both."),                                                               \
        FIELD(STR, "state", owner, at(state),                                                      \
              "What `state:` and `result:` compare with, as dbt's `--state`: a "                   \
              "folder with an earlier `manifest.json`, or an earlier manifest or bundle. What "    \
              "this device built last when not given."),                                           \
        FIELD(STR, "project_dir", owner, at(project_dir),                                          \
              "The project's folder, where seeds are, and dbt is started; the one above "          \
              "`target/` when not given, else the manifest's own."),                               \
        FIELD(STR, "resource", owner, at(resource_name),                                           \
              "The database that nodes run in, of type sqlite or postgres: the one that the "      \
              "project is compiled for. Needed but with `runner: dbt`."),                          \
        FIELD(ENUM, "runner", owner, at(runner),                                                   \
              "Who runs nodes: `native` this program, `dbt` an installed dbt; `auto` this "        \
              "program where it may run all that is wanted, else an installed dbt.",               \
              .names = runner_names, .fallback = "auto"),                                          \
        FIELD(STR, "dbt", owner, at(program),                                                      \
              "The program dbt, a name or a path; the first `dbt` in `PATH` when not given."),     \
        FIELD(STR, "profiles_dir", owner, at(profiles_dir),                                        \
              "Where dbt finds `profiles.yml`; the project's folder when there is one in it, "     \
              "else dbt's own choice."),                                                           \
        FIELD(STR, "target", owner, at(target),                                                    \
              "A target of the profile; its own default when not given."),                         \
        FIELD(STR_LIST, "select", owner, at(select),                                               \
              "Which nodes are assets, in dbt's selection syntax; all when not given.", .min = 1,  \
              .max = SELECT_MAX),                                                                  \
        FIELD(STR_LIST, "exclude", owner, at(exclude),                                             \
              "Which of them are not, in the same syntax.", .min = 1, .max = SELECT_MAX),          \
        FIELD(STR, "selector", owner, at(selector),                                                \
              "One of the project's YAML selectors, instead of `select` and `exclude`."),          \
        FIELD(BOOL, "allow_frozen", owner, at(allows_frozen),                                      \
              "Nodes into whose SQL values of the compiling machine were written, such as times "  \
              "and variables, run all the same.",                                                  \
              .fallback = "false"),                                                                \
        FIELD(BOOL, "fail_fast", owner, at(is_fail_fast),                                          \
              "Nothing more starts after the first error or failed test.", .fallback = "false"),   \
        FIELD(BOOL, "source_freshness", owner, at(asks_freshness),                                 \
              "Before its nodes run, sources that they are made from are asked how fresh they "    \
              "are, where the project has `warn_after` or `error_after` for them. Needs "          \
              "`resource`.",                                                                       \
              .fallback = "false"),                                                                \
        FIELD(DURATION, "statement_timeout", owner, at(statement_timeout_ns),                      \
              "A statement that runs longer is stopped, and its node has failed. Of nodes that "   \
              "this program runs; `timeout` is the step's.")

#define IN_RUN(member)   member
#define IN_ENTRY(member) entry.run.member

static const struct field run_fields[] = {
    RUN_FIELDS(dbt_run, IN_RUN),
    FIELD(STR, "adapter", dbt_run, adapter,
          "The kind of database that the project is compiled for, as dbt calls it.",
          .required = true),
};
const struct field_table dbt_run_table = {
    .name = "dbt_nodes",
    .size = sizeof(struct dbt_run),
    TABLE(run_fields),
};

static const struct field entry_fields[] = {
    RUN_FIELDS(raw_dbt, IN_ENTRY),
    FIELD(STR, "name", raw_dbt, entry.name,
          "The key of the step that runs them; `dbt/` and the project's name when not given."),
    FIELD(STR, "group", raw_dbt, entry.group,
          "The group of nodes that have none of their own; the project's name when not given."),
    FIELD(STR_MAP, "env", raw_dbt, env,
          "Environment variables for dbt. May hold ${VAR} and ${secret:NAME}.",
          .max = LIMIT_STEP_ENV),
    FIELD(STR_MAP, "tags", raw_dbt, entry.tags, "Given to all of them, beside the project's own.",
          .max = LIMIT_METADATA_ENTRIES),
    FIELD(STR_LIST, "owners", raw_dbt, entry.owners,
          "Of nodes that have none of their own: e-mail addresses, or `team:` and a name.",
          .max = OWNERS_MAX),
    FIELD(OBJECT, "retry", raw_dbt, retry, "What happens when the step fails.",
          .object = &retry_table),
    FIELD(DURATION, "timeout", raw_dbt, timeout_ns,
          "The step is stopped, and has failed, after this time. No limit when not given.",
          .min = NS_PER_SEC, .max = 30 * DAY_NS),
    FIELD(OBJECT, "freshness", raw_dbt, freshness,
          "How recently each of them must have been made, where the project does not say.",
          .object = &freshness_table),
    FIELD(OBJECT, "automation", raw_dbt, automation,
          "When each of them is made without being asked for, where the project does not say.",
          .object = &automation_table),
    FIELD(STR, "pool", raw_dbt, pool, "The pool in which the step takes a place."),
};
const struct field_table dbt_table = {
    .name = "dbt",
    .size = sizeof(struct raw_dbt),
    TABLE(entry_fields),
    .location_offset = offsetof(struct raw_dbt, entry.at),
};
