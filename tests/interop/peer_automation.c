#include "common/model/automation_eval.h"
#include "tests/interop/model_peer.h"

struct question {
    const struct json **assets;
};

/* "facts":{"missing","in_progress","updated_seq","made_at","made_with":[NODE,...]} of the node,
 * whoever asks. */
static void look(const void *ctx, uint32_t node, uint32_t root, struct automation_facts *ret)
{
    (void)root;
    const struct question *q = ctx;
    const struct json *facts = json_get(q->assets[node], "facts");
    static uint32_t made_with[256];
    const struct json *with = json_get(facts, "made_with");
    size_t count = 0;
    for (const struct json *e = with == NULL ? NULL : with->child; e != NULL; e = e->next) {
        peer_insist(count < COUNT_OF(made_with), "too many assets in a run");
        made_with[count++] = (uint32_t)e->as.integer;
    }
    *ret = (struct automation_facts){
        .is_missing = peer_flag(facts, "missing"),
        .is_in_progress = peer_flag(facts, "in_progress"),
        .is_in_backfill = peer_flag(facts, "in_backfill"),
        .updated_seq = peer_number(facts, "updated_seq"),
        .made_at = {peer_number(facts, "made_at")},
        .made_with = made_with,
        .made_with_count = count,
    };
}

/* {"kind":"on_cron","cron":...,"timezone":...} */
static const struct automation *condition_of(struct peer *p, const struct json *asset)
{
    const struct json *written = json_get(asset, "automation");
    struct automation *a = arena_alloc(&p->arena, sizeof(*a));
    peer_insist(a != NULL, "memory");
    struct str kind = peer_text(written, "kind");
    if (str_eq(kind, STR("eager"))) {
        a->kind = AUTOMATION_EAGER;
    } else if (str_eq(kind, STR("on_missing"))) {
        a->kind = AUTOMATION_ON_MISSING;
    } else if (str_eq(kind, STR("on_cron"))) {
        a->kind = AUTOMATION_ON_CRON;
        a->cron_text = peer_text(written, "cron");
        a->timezone = peer_text(written, "timezone");
        peer_cron(p, written, &a->cron, &a->tz);
    }
    return a;
}

static void write_result(const struct automation_result *r, struct json_writer *w)
{
    AUTO(buf) tree = buf_growing(4 << 20);
    if (!r->is_evaluated) {
        jw_null(w);
        return;
    }
    automation_write_tree(r->tree, &tree);
    peer_insist(!tree.overflow, "a tree that does not fit");
    jw_begin_object(w);
    jw_member_bool(w, "requested", r->is_requested);
    jw_member_str(w, "cursor", r->cursor);
    jw_member_raw(w, "tree", buf_str(&tree));
    jw_end_object(w);
}

/* {"now","seq","assets":[{...,"external","automation","partition","cursor","facts"}]} gives
 * {"answers":[{"requested","cursor","tree"},...]}. With "partition", empty for none yet, an asset
 * has partitions of days. */
void peer_automate(struct peer *p, const struct json *question, struct json_writer *w)
{
    struct graph g;
    struct question q;
    peer_graph(p, question, &g, &q.assets);
    static const struct partitions days = {.kind = PARTITION_TIME};
    struct automation_asset *assets = arena_array(&p->arena, g.count + 1, sizeof(*assets));
    peer_insist(assets != NULL, "memory");
    for (size_t n = 0; n < g.count; n++) {
        bool has_days = json_get(q.assets[n], "partition") != NULL;
        assets[n] = (struct automation_asset){
            .condition = condition_of(p, q.assets[n]),
            .is_external = peer_flag(q.assets[n], "external"),
            .partitions = has_days ? &days : NULL,
            .partition = peer_text(q.assets[n], "partition"),
            .cursor = peer_text(q.assets[n], "cursor"),
            .wants_tree = true,
        };
    }
    const struct automation_tick tick = {
        .g = &g,
        .assets = assets,
        .look = look,
        .ctx = &q,
        .now = {peer_number(question, "now")},
        .seq = peer_number(question, "seq"),
    };
    struct automation_result *results = NULL;
    peer_insist(automation_evaluate(&tick, &p->arena, &results, &p->err), p->err.msg);
    jw_key(w, STR("answers"));
    jw_begin_array(w);
    for (size_t n = 0; n < g.count; n++) {
        write_result(&results[n], w);
    }
    jw_end_array(w);
}
