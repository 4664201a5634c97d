/* catalog_rules.h - the rules of a project as Meltano breaks them up. Internal to agent/meltano. */
#pragma once
#include "agent/meltano/catalog.h"

enum { CATALOG_RULES_MAX = 20000 };

struct catalog_rule {
    struct str stream; /* pattern */
    bool has_stream;   /* else it is of none, or of `streams` */
    const struct str *streams;
    size_t stream_count; /* of a filter */
    bool is_negated;     /* matches the streams that no pattern does */
    struct str path;     /* pattern of a property: "properties.a.properties.b"; empty: the stream */
    struct str key;      /* of metadata; of a schema rule the property */
    const struct json *value;
};
struct catalog_rule_list {
    struct catalog_rule *items;
    size_t count;
    size_t cap;
    struct arena *arena;
};

MUST_CHECK bool catalog_schema_rules(const struct json *schema, struct catalog_rule_list *into,
                                     struct err *err);
MUST_CHECK bool catalog_select_rules(const struct json *select, struct catalog_rule_list *into,
                                     struct err *err);
/* What `select` rules begin with: nothing is selected. */
MUST_CHECK bool catalog_deselect_all(struct catalog_rule_list *into, struct err *err);
MUST_CHECK bool catalog_filter_rules(const struct json *filter, struct catalog_rule_list *into,
                                     struct err *err);
MUST_CHECK bool catalog_metadata_rules(const struct json *metadata, struct catalog_rule_list *into,
                                       struct err *err);
