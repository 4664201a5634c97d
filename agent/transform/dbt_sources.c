#include "agent/transform/dbt_sources.h"

#include "agent/dbt/checks.h"
#include "agent/dbt/lineage.h"
#include "agent/el/cancel.h"
#include "common/base/limits.h"

enum { WORDS_BYTES_MAX = 4 << 10 };

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for the sources of a project");
}

/* --- asking ------------------------------------------------------------------------------------ */

static bool ask(const struct sources_asked *asked, const struct dbt_spec *spec, uint32_t node,
                struct arena *scratch, struct node_result *ret, struct err *err)
{
    const struct transform transform = {
        .db = asked->db, .project = asked->project, .now = clock_wall(&asked->clock)};
    struct dbt_verdict verdict;
    if (asked->db == NULL) {
        *err = *asked->no_database;
        return false;
    }
    if (!dbt_admit(asked->project, node, &asked->host, scratch, &verdict, err)) {
        return false;
    }
    if (verdict.admission != DBT_NATIVE) {
        return err_set(err, ERR_DENIED, "%s: " STR_FMT, dbt_admission_name(verdict.admission),
                       STR_ARG(str_clip(verdict.reason, 300)));
    }
    return freshness_run(&transform, spec, scratch, ret, err);
}

/* What outlives the scratch memory of one node. */
static bool take(struct source_found *found, bool ok, const struct err *why, struct arena *arena,
                 struct err *err)
{
    found->result.status = ok ? found->result.status : DBT_RUNTIME_ERROR;
    found->result.message = arena_copy(arena, found->result.message);
    found->result.max_loaded_at = arena_copy(arena, found->result.max_loaded_at);
    found->error = ok ? STR_NONE : arena_copy(arena, str_from(why->msg));
    return !arena->exhausted || no_memory(err);
}

/* False: cancelled, or no memory. */
static bool find(const struct sources_asked *asked, uint32_t node, struct arena *scratch,
                 struct sources_found *all, struct err *err)
{
    const struct dbt_node *source = &asked->project->nodes[node];
    struct dbt_spec spec = {.node = source};
    struct source_found *found = &all->items[all->count];
    struct err why = {0};
    arena_reset(scratch);
    bool is_read = dbt_spec_read(asked->project, node, scratch, &spec, &why);
    if (is_read && spec.warn_after_ns == 0 && spec.error_after_ns == 0) {
        return true;
    }
    *found = (struct source_found){.node = node,
                                   .unique_id = source->unique_id,
                                   .warn_after_ns = spec.warn_after_ns,
                                   .error_after_ns = spec.error_after_ns};
    bool ok = is_read && ask(asked, &spec, node, scratch, &found->result, &why);
    if (!ok && why.code == ERR_CANCELLED) {
        *err = why;
        return false;
    }
    all->count++;
    return take(found, ok, &why, asked->arena, err);
}

bool dbt_sources_ask(const struct sources_asked *asked, struct sources_found *ret, struct err *err)
{
    const struct dbt_project *project = asked->project;
    struct arena scratch = arena_new(LIMIT_DBT_NODE_ARENA);
    size_t count = 0;
    for (uint32_t i = 0; i < project->count; i++) {
        count += project->nodes[i].type == DBT_SOURCE;
    }
    *ret =
        (struct sources_found){.items = arena_array(asked->arena, count + 1, sizeof(*ret->items))};
    bool ok = ret->items != NULL || no_memory(err);
    for (uint32_t i = 0; ok && i < project->count; i++) {
        if (project->nodes[i].type == DBT_SOURCE && (asked->which == NULL || asked->which[i])) {
            ok = cancel_requested() ? cancel_error(err) : find(asked, i, &scratch, ret, err);
        }
    }
    arena_release(&scratch);
    return ok;
}

bool dbt_sources_read_by(const struct dbt_project *project, const bool *wanted, struct arena *arena,
                         bool **ret, struct err *err)
{
    struct arena scratch = arena_new(LIMIT_DBT_NODE_ARENA);
    bool *is_read = arena_array(arena, project->count + 1, sizeof(*is_read));
    bool ok = is_read != NULL || no_memory(err);
    for (uint32_t i = 0; ok && is_read != NULL && i < project->count; i++) {
        uint32_t *from = NULL;
        size_t count = 0;
        arena_reset(&scratch);
        ok = !wanted[i] || dbt_made_from(project, i, &scratch, &from, &count, err);
        for (size_t k = 0; ok && k < count; k++) {
            is_read[from[k]] = project->nodes[from[k]].type == DBT_SOURCE;
        }
    }
    arena_release(&scratch);
    *ret = is_read;
    return ok;
}

/* --- telling ----------------------------------------------------------------------------------- */

static void add_seconds(struct json_writer *w, const char *name, int64_t ns)
{
    report_add_int(w, name, ns / NS_PER_SEC);
}

static bool is_warning(const struct source_found *found)
{
    enum dbt_status status = found->result.status;
    return status == DBT_WARN || (status == DBT_PASS && found->error_after_ns == 0);
}

static void write_check(struct dbt_report *report, struct str key, const struct source_found *found)
{
    const struct node_result *result = &found->result;
    struct json_writer w = report_begin(report->report, "check");
    jw_member_str(&w, "asset", key);
    jw_member_str(&w, "name", STR(DBT_FRESHNESS_CHECK));
    jw_member_bool(&w, "passed", result->status == DBT_PASS);
    jw_member_str(&w, "severity", is_warning(found) ? STR("warn") : STR("error"));
    jw_key(&w, STR("metadata"));
    jw_begin_object(&w);
    report_add_text(&w, "status", str_from(dbt_status_name(result->status)));
    report_add_text(&w, "max_loaded_at", result->max_loaded_at);
    if (result->max_loaded_at.len > 0) {
        add_seconds(&w, "age_s", result->age_ns);
    }
    if (found->warn_after_ns > 0) {
        add_seconds(&w, "warn_after_s", found->warn_after_ns);
    }
    if (found->error_after_ns > 0) {
        add_seconds(&w, "error_after_s", found->error_after_ns);
    }
    if (result->status == DBT_RUNTIME_ERROR) {
        report_add_text(&w, "error", found->error);
    }
    jw_end_object(&w);
    report_end(report->report, &w);
}

static void say(struct dbt_report *report, const struct source_found *found)
{
    const struct node_listener listener = dbt_report_listener(report);
    const struct dbt_node *source = &report->project->nodes[found->node];
    enum dbt_status status = found->result.status;
    AUTO(buf) words = buf_growing(WORDS_BYTES_MAX);
    buf_addf(
        &words, "freshness of " STR_FMT "." STR_FMT ": %s, " STR_FMT,
        STR_ARG(str_clip(source->source_name, 200)), STR_ARG(str_clip(source->name, 200)),
        dbt_status_name(status),
        STR_ARG(status == DBT_RUNTIME_ERROR ? found->error : str_clip(found->result.message, 400)));
    listener.said(listener.ctx, source->unique_id,
                  status == DBT_PASS   ? LOG_INFO
                  : status == DBT_WARN ? LOG_WARN
                                       : LOG_ERROR,
                  buf_str(&words));
}

void dbt_sources_tell(struct dbt_report *report, const struct sources_found *found,
                      const bool *which)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct source_found *one = &found->items[i];
        struct str key = which[one->node] ? dbt_report_key(report, one->node) : STR_NONE;
        if (key.len > 0) {
            write_check(report, key, one);
            say(report, one);
        }
    }
}

/* --- for a selection --------------------------------------------------------------------------- */

bool dbt_sources_loaded(const struct sources_found *found, struct arena *arena,
                        struct dbt_loaded *ret, struct err *err)
{
    *ret = (struct dbt_loaded){.by_id = strmap_new(arena),
                               .items = arena_array(arena, found->count + 1, sizeof(*ret->items))};
    if (ret->items == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < found->count; i++) {
        const struct source_found *one = &found->items[i];
        ret->items[i] = (struct dbt_loaded_source){.unique_id = one->unique_id,
                                                   .status = one->result.status,
                                                   .at = one->result.loaded_at,
                                                   .asked_at = one->result.asked_at,
                                                   .age_ns = one->result.age_ns,
                                                   .warn_after_ns = one->warn_after_ns,
                                                   .error_after_ns = one->error_after_ns,
                                                   .error = one->error};
        ret->count++;
        if (!strmap_put(&ret->by_id, one->unique_id, (uint32_t)i)) {
            return no_memory(err);
        }
    }
    return true;
}
