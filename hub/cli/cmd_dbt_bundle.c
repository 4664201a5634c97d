#include "hub/cli/commands.h"

#include "common/dbt/bundle.h"
#include "common/dbt/spec.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"

enum { SUMMARY_BYTES_MAX = 4 << 10, NODE_ARENA_BYTES = 8 * LIMIT_DBT_NODE_BYTES };

/* What a device will say of the bundle's nodes: by enum dbt_admission. */
struct admitted {
    int64_t counts[3];
};

static bool runs(const struct dbt_node *node)
{
    return node->type == DBT_MODEL || node->type == DBT_SEED || node->type == DBT_SNAPSHOT ||
           node->type == DBT_TEST;
}

static bool admit_all(const struct dbt_project *project, struct admitted *ret, struct err *err)
{
    AUTO(arena) arena = arena_new(NODE_ARENA_BYTES);
    const struct dbt_host host = {.adapter = project->adapter_type};
    for (uint32_t i = 0; i < project->count; i++) {
        struct dbt_verdict verdict;
        if (!runs(&project->nodes[i])) {
            continue;
        }
        arena_reset(&arena);
        if (!dbt_admit(project, i, &host, &arena, &verdict, err)) {
            return err_wrap(err, STR_FMT, STR_ARG(str_clip(project->nodes[i].unique_id, 120)));
        }
        ret->counts[verdict.admission]++;
    }
    return true;
}

/* The bundle is read as a device reads it. */
static bool admit(const char *path, struct admitted *ret, struct err *err)
{
    const struct dbt_open open = {.path = path};
    struct dbt_project *project = NULL;
    bool ok = dbt_project_open(&open, &project, err) && admit_all(project, ret, err);
    dbt_project_close(project);
    return ok;
}

static void say_json(struct cli *cli, const char *path, const struct dbt_bundle_summary *s,
                     const struct admitted *a)
{
    AUTO(buf) out = buf_growing(SUMMARY_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "file", str_from(path));
    jw_member_i64(&w, "nodes", (int64_t)s->nodes);
    jw_member_i64(&w, "models", (int64_t)s->models);
    jw_member_i64(&w, "tests", (int64_t)s->tests);
    jw_member_i64(&w, "incremental", (int64_t)s->incremental);
    jw_member_i64(&w, "pairs", (int64_t)s->pairs);
    jw_member_i64(&w, "seeds", (int64_t)s->seeds);
    jw_member_i64(&w, "seed_files", (int64_t)s->seed_files);
    jw_member_i64(&w, "native", a->counts[DBT_NATIVE]);
    jw_member_i64(&w, "needs_dbt", a->counts[DBT_NEEDS_DBT]);
    jw_member_i64(&w, "refused", a->counts[DBT_REFUSED]);
    jw_member_i64(&w, "bytes_before", s->bytes_before);
    jw_member_i64(&w, "bytes_unpacked", s->bytes_unpacked);
    jw_member_i64(&w, "bytes_after", s->bytes_after);
    jw_member_str(&w, "sha256", str_from(s->sha256));
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

static void say_text(struct cli *cli, const char *path, const struct dbt_bundle_summary *s,
                     const struct admitted *a)
{
    const int64_t *n = a->counts;
    cli_printf(cli, "%s: %lld bytes, from %lld\n", path, (long long)s->bytes_after,
               (long long)s->bytes_before);
    cli_printf(cli, "nodes:        %zu, of them %zu model%s and %zu test%s\n", s->nodes, s->models,
               s->models == 1 ? "" : "s", s->tests, s->tests == 1 ? "" : "s");
    cli_printf(cli, "incremental:  %zu model%s, %zu with both variants\n", s->incremental,
               s->incremental == 1 ? "" : "s", s->pairs);
    cli_printf(cli, "seeds:        %zu, %zu with their files\n", s->seeds, s->seed_files);
    cli_printf(cli, "admission:    %lld native, %lld need dbt, %lld refused\n",
               (long long)n[DBT_NATIVE], (long long)n[DBT_NEEDS_DBT], (long long)n[DBT_REFUSED]);
    cli_printf(cli, "sha256:       %s\n", s->sha256);
}

/* What a device could not do with it, and how that changes. */
static void say_gaps(struct cli *cli, const char *path, const struct dbt_bundle_summary *s,
                     const struct admitted *a)
{
    if (a->counts[DBT_REFUSED] > 0) {
        (void)fprintf(cli_err(cli),
                      "note: what is refused, and what to change: selvedge-agent check %s\n", path);
    }
    if (s->pairs < s->incremental) {
        (void)fprintf(cli_err(cli),
                      "note: %zu incremental model%s one variant only and will not run on a "
                      "device; --incremental takes the second compilation\n",
                      s->incremental - s->pairs,
                      s->incremental - s->pairs == 1 ? " has" : "s have");
    }
    if (s->seed_files < s->seeds) {
        (void)fprintf(cli_err(cli), "note: seeds are without their files; --seeds adds them\n");
    }
}

int command_dbt_bundle(struct cli *cli, void *ctx)
{
    (void)ctx;
    AUTO(buf) packed = buf_growing(LIMIT_DBT_MANIFEST_BYTES);
    const char *path = cli_text(cli, "output");
    const struct dbt_bundle_options options = {.manifest = cli_arg(cli, 0),
                                               .incremental = cli_text(cli, "incremental"),
                                               .seeds = cli_text(cli, "seeds")};
    struct dbt_bundle_summary summary;
    struct admitted admitted = {0};
    struct err err = {0};
    if (path == NULL) {
        return cli_usage(cli, "--output FILE is missing: where to write the bundle");
    }
    if (!dbt_bundle_make(&options, &packed, &summary, &err) ||
        !files_write(path, buf_str(&packed), 0644, &err) || !admit(path, &admitted, &err)) {
        return cli_error(cli, &err);
    }
    if (cli_is_json(cli)) {
        say_json(cli, path, &summary, &admitted);
    } else {
        say_text(cli, path, &summary, &admitted);
        say_gaps(cli, path, &summary, &admitted);
    }
    return CLI_OK;
}
