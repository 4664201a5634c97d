#include "agent/transform/dbt_sources.h"

#include "agent/dbt/checks.h"
#include "agent/dbt/lineage.h"
#include "agent/el/cancel.h"
#include "common/base/limits.h"

enum { WORDS_BYTES_MAX = 4 << 10 };

struct asking {
    const struct sources_asked *asked;
    const struct dbt_project *project;
    bool *is_read;        /* each node that a wanted one is made from */
    struct arena scratch; /* of the node at hand */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for the sources of a project");
}

static bool find_sources(struct asking *a, struct err *err)
{
    for (uint32_t i = 0; i < a->project->count; i++) {
        uint32_t *from = NULL;
        size_t count = 0;
        if (!a->asked->report->is_wanted[i]) {
            continue;
        }
        arena_reset(&a->scratch);
        if (!dbt_made_from(a->project, i, &a->scratch, &from, &count, err)) {
            return false;
        }
        for (size_t k = 0; k < count; k++) {
            a->is_read[from[k]] = a->project->nodes[from[k]].type == DBT_SOURCE;
        }
    }
    return true;
}

/* --- one source -------------------------------------------------------------------------------- */

static void add_seconds(struct json_writer *w, const char *name, int64_t ns)
{
    report_add_int(w, name, ns / NS_PER_SEC);
}

static bool is_warning(const struct dbt_spec *spec, enum dbt_status status)
{
    return status == DBT_WARN || (status == DBT_PASS && spec->error_after_ns == 0);
}

static void write_check(struct asking *a, struct str key, const struct dbt_spec *spec,
                        const struct node_result *result, const struct err *why)
{
    struct json_writer w = report_begin(a->asked->report->report, "check");
    jw_member_str(&w, "asset", key);
    jw_member_str(&w, "name", STR(DBT_FRESHNESS_CHECK));
    jw_member_bool(&w, "passed", result->status == DBT_PASS);
    jw_member_str(&w, "severity", is_warning(spec, result->status) ? STR("warn") : STR("error"));
    jw_key(&w, STR("metadata"));
    jw_begin_object(&w);
    report_add_text(&w, "status", str_from(dbt_status_name(result->status)));
    report_add_text(&w, "max_loaded_at", result->max_loaded_at);
    if (result->max_loaded_at.len > 0) {
        add_seconds(&w, "age_s", result->age_ns);
    }
    if (spec->warn_after_ns > 0) {
        add_seconds(&w, "warn_after_s", spec->warn_after_ns);
    }
    if (spec->error_after_ns > 0) {
        add_seconds(&w, "error_after_s", spec->error_after_ns);
    }
    if (why != NULL) {
        report_add_text(&w, "error", str_from(why->msg));
    }
    jw_end_object(&w);
    report_end(a->asked->report->report, &w);
}

static void say(struct asking *a, const struct dbt_node *source, const struct node_result *result,
                const struct err *why)
{
    const struct node_listener listener = dbt_report_listener(a->asked->report);
    enum dbt_status status = result->status;
    AUTO(buf) words = buf_growing(WORDS_BYTES_MAX);
    buf_addf(&words, "freshness of " STR_FMT "." STR_FMT ": %s, " STR_FMT,
             STR_ARG(str_clip(source->source_name, 200)), STR_ARG(str_clip(source->name, 200)),
             dbt_status_name(status),
             STR_ARG(why != NULL ? str_from(why->msg) : str_clip(result->message, 400)));
    listener.said(listener.ctx, source->unique_id,
                  status == DBT_PASS   ? LOG_INFO
                  : status == DBT_WARN ? LOG_WARN
                                       : LOG_ERROR,
                  buf_str(&words));
}

static bool ask(struct asking *a, const struct dbt_spec *spec, uint32_t node,
                struct node_result *ret, struct err *err)
{
    const struct sources_asked *asked = a->asked;
    const struct transform transform = {
        .db = asked->db, .project = a->project, .now = clock_wall(&asked->clock)};
    struct dbt_verdict verdict;
    if (asked->db == NULL) {
        *err = *asked->no_database;
        return false;
    }
    if (!dbt_admit(a->project, node, &asked->host, &a->scratch, &verdict, err)) {
        return false;
    }
    if (verdict.admission != DBT_NATIVE) {
        return err_set(err, ERR_DENIED, "%s: " STR_FMT, dbt_admission_name(verdict.admission),
                       STR_ARG(str_clip(verdict.reason, 300)));
    }
    return freshness_run(&transform, spec, &a->scratch, ret, err);
}

/* False: cancelled. */
static bool ask_and_tell(struct asking *a, uint32_t node, struct err *err)
{
    const struct dbt_node *source = &a->project->nodes[node];
    struct dbt_spec spec = {.node = source};
    struct node_result result = {0};
    struct err why = {0};
    arena_reset(&a->scratch);
    struct str key = dbt_report_key(a->asked->report, node);
    bool is_read = dbt_spec_read(a->project, node, &a->scratch, &spec, &why);
    if (key.len == 0 || (is_read && spec.warn_after_ns == 0 && spec.error_after_ns == 0)) {
        return true;
    }
    bool ok = is_read && ask(a, &spec, node, &result, &why);
    if (!ok && why.code == ERR_CANCELLED) {
        *err = why;
        return false;
    }
    result.status = ok ? result.status : DBT_RUNTIME_ERROR;
    write_check(a, key, &spec, &result, ok ? NULL : &why);
    say(a, source, &result, ok ? NULL : &why);
    return true;
}

bool dbt_sources_ask(const struct sources_asked *asked, struct err *err)
{
    struct asking a = {.asked = asked,
                       .project = asked->report->project,
                       .scratch = arena_new(LIMIT_DBT_NODE_ARENA)};
    a.is_read = arena_array(asked->report->arena, a.project->count, sizeof(*a.is_read));
    bool ok = a.is_read != NULL ? find_sources(&a, err) : no_memory(err);
    for (uint32_t i = 0; ok && i < a.project->count; i++) {
        if (a.is_read[i]) {
            ok = cancel_requested() ? cancel_error(err) : ask_and_tell(&a, i, err);
        }
    }
    arena_release(&a.scratch);
    return ok;
}
