/* dbt_nodes_peer.c - carries out nodes of a manifest that real dbt wrote, and says in one line of JSON
 * each what became of them:
 *   dbt_nodes_peer MANIFEST sqlite:PATH|postgres:DSN PROJECT_DIR NOW [--full-refresh] UNIQUE_ID... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/transform/node.h"
#include "common/json/json_writer.h"

static void tell(const char *id, const struct node_result *result, const struct err *err)
{
    AUTO(buf) out = buf_growing(1 << 20);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "unique_id", str_from(id));
    if (result != NULL) {
        jw_member_str(&w, "status", str_from(dbt_status_name(result->status)));
        jw_member_str(&w, "message", result->message);
        jw_member_i64(&w, "rows_written", result->rows_written);
        jw_member_str(&w, "max_loaded_at", result->max_loaded_at);
        jw_member_i64(&w, "age_ns", result->age_ns);
    } else {
        jw_member_str(&w, "error", str_from(err->msg));
    }
    jw_end_object(&w);
    if (buf_cstr(&out) == NULL || puts(buf_cstr(&out)) == EOF) {
        exit(EXIT_FAILURE);
    }
}

static void run_named(const struct transform *t, const char *id)
{
    AUTO(arena) arena = arena_new(64 << 20);
    struct err err = {0};
    struct dbt_spec spec;
    struct node_result result;
    uint32_t node = dbt_project_find(t->project, str_from(id));
    bool is_ok = node != DBT_NO_NODE ? dbt_spec_read(t->project, node, &arena, &spec, &err) &&
                                           node_run(t, &spec, &arena, &result, &err)
                                     : err_set(&err, ERR_NOT_FOUND, "no such node");
    tell(id, is_ok ? &result : NULL, &err);
}

static bool open_all(char **argv, struct transform *t, struct dbt_project **project,
                     struct err *err)
{
    const struct database_options options = {0};
    struct dbt_open open = {.path = argv[1]};
    struct str target = str_from(argv[2]);
    t->project_dir = argv[3];
    if (!wall_parse(str_from(argv[4]), &t->now) || !dbt_project_open(&open, project, err)) {
        return false;
    }
    t->project = *project;
    if (str_starts(target, STR("sqlite:"))) {
        return database_open_sqlite(argv[2] + strlen("sqlite:"), &options, &t->db, err);
    }
    return database_open_postgres(str_from(argv[2] + strlen("postgres:")), &options, &t->db, err);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct transform t = {0};
    struct dbt_project *project = NULL;
    if (argc < 6 || !open_all(argv, &t, &project, &err)) {
        (void)fprintf(stderr, "dbt_nodes_peer: %s\n", err.msg);
        return EXIT_FAILURE;
    }
    for (int i = 5; i < argc; i++) {
        if (strcmp(argv[i], "--full-refresh") == 0) {
            t.full_refresh = true;
        } else {
            run_named(&t, argv[i]);
        }
    }
    database_close(t.db);
    dbt_project_close(project);
    return EXIT_SUCCESS;
}
