/* select_spec.h - a selection as a tree: what a text of the command line and a definition of
 * selectors.yml both become. Inside common/dbt only. Source: dbt's core/dbt/graph/selector_spec.py
 * and cli.py. */
#pragma once
#include "common/dbt/select.h"

enum select_method {
    METHOD_FQN,
    METHOD_TAG,
    METHOD_SOURCE,
    METHOD_PATH,
    METHOD_FILE,
    METHOD_PACKAGE,
    METHOD_CONFIG,
    METHOD_GROUP,
    METHOD_ACCESS,
    METHOD_RESOURCE_TYPE,
    METHOD_TEST_NAME,
    METHOD_TEST_TYPE,
    METHOD_EXPOSURE,
    METHOD_METRIC,
    METHOD_SEMANTIC_MODEL,
    METHOD_SAVED_QUERY,
    METHOD_UNIT_TEST,
    METHOD_VERSION,
    METHOD_STATE,
    METHOD_RESULT,
    METHOD_SOURCE_STATUS,
    METHOD_SELECTOR,
};

#define SELECT_DEPTH_ALL UINT32_MAX

/* "2+config.severity:warn+" */
struct criterion {
    enum select_method method;
    struct str args;          /* behind the method's first dot: "severity", "meta.owner" */
    struct str value;         /* as text */
    const struct json *typed; /* the value, when selectors.yml has one that is no text; else NULL */
    bool is_at;               /* "@": with descendants, and the ancestors of all of them */
    bool has_parents, has_children;
    uint32_t parents_depth, children_depth; /* or SELECT_DEPTH_ALL */
};

enum spec_type { SPEC_CRITERION, SPEC_UNION, SPEC_INTERSECTION, SPEC_DIFFERENCE };
struct spec {
    enum spec_type type;
    enum dbt_indirect indirect;
    bool warns;     /* when it selects nothing */
    struct str raw; /* for warnings and errors */
    struct criterion criterion;
    struct spec *child; /* of a set: first part */
    struct spec *next;
};

struct spec_reader {
    struct arena *arena;
    enum dbt_indirect indirect; /* where nothing else is said */
    struct err *err;
};

/* NULL and err when memory is out. */
struct spec *spec_new(const struct spec_reader *r, enum spec_type type, enum dbt_indirect indirect);

/* One criterion: `text` from `at` up to `end`; places in errors are those of `text`. */
MUST_CHECK bool spec_read_criterion(const struct spec_reader *r, struct str text, size_t at,
                                    size_t end, struct spec **ret);
/* Texts of the command line: a union of intersections. `warns` is for each intersection. */
MUST_CHECK bool spec_read_texts(const struct spec_reader *r, const struct str_list *texts,
                                bool warns, struct spec **ret);
/* One definition of selectors.yml. */
MUST_CHECK bool spec_read_definition(const struct spec_reader *r, const struct json *definition,
                                     struct spec **ret);

/* "config.severity" in two; ERR_INVALID with the nearest method as hint. */
MUST_CHECK bool select_method_from(struct str text, struct criterion *ret, struct err *err);
const char *select_method_name(enum select_method method);
/* Is the value one that the method can have? ERR_INVALID says which there are. */
MUST_CHECK bool select_check_value(const struct criterion *c, struct err *err);
/* The most similar of `count` words, or STR_NONE. */
struct str select_nearest(struct str word, const struct str *words, size_t count);
