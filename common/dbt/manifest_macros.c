#include "common/base/limits.h"
#include "common/dbt/manifest.h"
#include "common/dbt/overrides.h"

#include <stdlib.h>
#include <string.h>

#define NO_MACRO UINT32_MAX

static bool read_calls(struct manifest *m, struct json_raw depends_on, struct err *err)
{
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    if (!json_scan_object(&s, depends_on.text, err)) {
        return false;
    }
    while (json_scan_member(&s, &name, &value)) {
        if (json_raw_is(name, "macros") &&
            !manifest_list(m, "depends_on.macros", value, &m->calls, err)) {
            return false;
        }
    }
    return json_scan_end(&s, err);
}

static bool read_member(struct manifest *m, struct manifest_macro *macro, struct json_raw name,
                        struct json_raw value, struct err *err)
{
    struct str sql;
    if (json_raw_is(name, "depends_on") && value.type == JSON_OBJECT) {
        return read_calls(m, value, err);
    }
    if (json_raw_is(name, "macro_sql") && value.type == JSON_STRING) {
        buf_reset(&m->text);
        if (!json_unescape(value, true, &m->text, &sql)) {
            return manifest_no_memory(m, err);
        }
        macro->uses |= jinja_uses(sql);
    }
    return true;
}

/* Of a macro that stands in the place of one of dbt's: which it is, and where it is written. */
static bool add_override(struct manifest *m, struct str key, struct str text, struct err *err)
{
    struct dbt_override override = {0};
    struct dbt_project *project = m->project;
    void *overrides = project->overrides;
    struct str kept = STR_NONE;
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    if (!override_from(key, &override)) {
        return true;
    }
    if (!texts_keep(&m->texts, key, &kept, err) || !json_scan_object(&s, text, err) ||
        !grow(&overrides, project->override_count, &m->override_cap, sizeof(override), err)) {
        return false;
    }
    project->overrides = overrides;
    (void)override_from(kept, &override);
    while (json_scan_member(&s, &name, &value)) {
        if (json_raw_is(name, "original_file_path") &&
            !manifest_text(m, "original_file_path", value, &override.file, err)) {
            return false;
        }
    }
    project->overrides[project->override_count++] = override;
    return json_scan_end(&s, err);
}

bool manifest_add_macro(struct manifest *m, struct str key, struct str text, struct err *err)
{
    struct manifest_macro macro = {.uses = macro_uses(key), .calls.first = m->calls.count};
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    void *macros = m->macros;
    if (m->macro_count == LIMIT_DBT_MACROS) {
        return err_set(err, ERR_FULL, "more than %d macros (LIMIT_DBT_MACROS)", LIMIT_DBT_MACROS);
    }
    if (!json_scan_object(&s, text, err) || !texts_add(&m->texts, key, &macro.id, err) ||
        !grow(&macros, m->macro_count, &m->macro_cap, sizeof(*m->macros), err)) {
        return false;
    }
    m->macros = macros;
    /* That it asks the database whether the table is there is what the bit says. */
    bool is_opaque = macro.uses == DBT_USES_IS_INCREMENTAL;
    while (json_scan_member(&s, &name, &value)) {
        if (!is_opaque && !read_member(m, &macro, name, value, err)) {
            return false;
        }
    }
    macro.calls.count = m->calls.count - macro.calls.first;
    m->macros[m->macro_count++] = macro;
    return json_scan_end(&s, err) && add_override(m, key, text, err);
}

/* --- what calls what ------------------------------------------------------------------------- */

/* For each macro, who calls it. */
struct callers {
    uint32_t *first; /* macro_count + 1 places in `items` */
    uint32_t *items;
    uint32_t *waiting; /* macros whose callers are to be told */
};

static void callers_release(struct callers *c)
{
    free(c->first);
    free(c->items);
    free(c->waiting);
}

/* Ids become places in `macros`, or NO_MACRO. */
static bool resolve(struct manifest *m, struct err *err)
{
    uint32_t *place = malloc((m->texts.count + 1U) * sizeof(*place));
    if (place == NULL) {
        return manifest_no_memory(m, err);
    }
    memset(place, 0xff, (m->texts.count + 1U) * sizeof(*place));
    for (uint32_t i = 0; i < m->macro_count; i++) {
        place[m->macros[i].id] = i;
    }
    for (size_t i = 0; i < m->calls.count; i++) {
        m->calls.items[i] = place[m->calls.items[i]];
    }
    free(place);
    return true;
}

static bool find_callers(const struct manifest *m, struct callers *c)
{
    size_t count = m->macro_count;
    c->first = calloc(count + 2, sizeof(*c->first));
    c->items = malloc((m->calls.count + 1) * sizeof(*c->items));
    c->waiting = malloc((count + 1) * sizeof(*c->waiting));
    if (c->first == NULL || c->items == NULL || c->waiting == NULL) {
        return false;
    }
    /* Counted two places on, so that filling moves each to its own. */
    for (size_t i = 0; i < count; i++) {
        const struct calls *calls = &m->macros[i].calls;
        for (size_t k = 0; k < calls->count; k++) {
            uint32_t to = m->calls.items[calls->first + k];
            if (to != NO_MACRO) {
                c->first[to + 2]++;
            }
        }
    }
    for (size_t i = 2; i <= count; i++) {
        c->first[i] += c->first[i - 1];
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct calls *calls = &m->macros[i].calls;
        for (size_t k = 0; k < calls->count; k++) {
            uint32_t to = m->calls.items[calls->first + k];
            if (to != NO_MACRO) {
                c->items[c->first[to + 1]++] = i;
            }
        }
    }
    return true;
}

/* Adds `bit` to all that call, through others or not, a macro that has it: each is met once. */
static void spread(struct manifest *m, const struct callers *c, uint8_t bit)
{
    size_t count = 0;
    for (uint32_t i = 0; i < m->macro_count; i++) {
        if ((m->macros[i].uses & bit) != 0) {
            c->waiting[count++] = i;
        }
    }
    while (count > 0) {
        uint32_t macro = c->waiting[--count];
        for (uint32_t k = c->first[macro]; k < c->first[macro + 1]; k++) {
            struct manifest_macro *caller = &m->macros[c->items[k]];
            if ((caller->uses & bit) == 0) {
                caller->uses |= bit;
                c->waiting[count++] = c->items[k];
            }
        }
    }
}

bool manifest_add_uses(struct manifest *m, struct err *err)
{
    struct callers c = {0};
    bool ok = resolve(m, err) && (find_callers(m, &c) || manifest_no_memory(m, err));
    for (uint8_t bit = 1; ok && bit <= DBT_USES_ENVIRONMENT; bit = (uint8_t)(bit << 1)) {
        spread(m, &c, bit);
    }
    callers_release(&c);
    for (size_t i = 0; ok && i < m->project->count; i++) {
        const struct calls *calls = &m->node_calls[i];
        for (size_t k = 0; k < calls->count; k++) {
            uint32_t macro = m->calls.items[calls->first + k];
            m->project->nodes[i].uses |= macro == NO_MACRO ? 0 : m->macros[macro].uses;
        }
    }
    return ok;
}
