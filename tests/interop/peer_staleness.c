#include "common/model/staleness.h"
#include "common/tls/identity.h"
#include "tests/interop/model_peer.h"

/* {"code_version":...,"inputs":{"key":"version",...}} */
static struct provenance provenance_of(struct peer *p, const struct json *object)
{
    const struct json *list = json_get(object, "inputs");
    size_t count = list == NULL ? 0 : list->count;
    struct asset_input *inputs = arena_array(&p->arena, count + 1, sizeof(*inputs));
    peer_insist(inputs != NULL, "memory");
    size_t i = 0;
    for (const struct json *e = list == NULL ? NULL : list->child; e != NULL; e = e->next) {
        inputs[i++] = (struct asset_input){.key = e->key, .data_version = e->as.string};
    }
    return (struct provenance){
        .code_version = peer_text(object, "code_version"), .inputs = inputs, .input_count = count};
}

/* {"code_version":...,"inputs":{...}} gives {"data_version":...}. */
void peer_version(struct peer *p, const struct json *question, struct json_writer *w)
{
    const struct digest digest = {digest_sha256};
    char version[DATA_VERSION_TEXT_SIZE];
    const struct provenance from = provenance_of(p, question);
    peer_insist(data_version_compute(&from, &digest, &p->arena, version, &p->err), p->err.msg);
    jw_member_str(w, "data_version", str_from(version));
}

static struct stale_asset asset_of(struct peer *p, const struct json *asset)
{
    const struct json *made = json_get(asset, "made");
    struct stale_asset ret = {
        .code_version = peer_text(asset, "code_version"),
        .is_external = peer_flag(asset, "external"),
    };
    if (made != NULL) {
        ret.made = (struct asset_version){
            .at = {peer_number(made, "at")},
            .data_version = peer_text(made, "data_version"),
            .is_given = peer_flag(made, "given"),
            .from = provenance_of(p, made),
        };
    }
    return ret;
}

static void write_cause(const struct stale_cause *cause, struct json_writer *w)
{
    jw_begin_object(w);
    jw_member_str(w, "category", str_from(stale_category_name(cause->category)));
    jw_member_str(w, "dependency", cause->dependency);
    jw_member_str(w, "reason", cause->reason);
    jw_member_str(w, "root", str_from(cause->root));
    jw_end_object(w);
}

/* {"assets":[{...,"code_version","external","made":{"at","data_version","given","code_version",
 * "inputs"}}]} gives {"answers":[{"status","input","causes":[...]}]}; "input" is the version that
 * would be recorded with what is made from it. */
void peer_stale(struct peer *p, const struct json *question, struct json_writer *w)
{
    struct graph g;
    const struct json **assets = NULL;
    peer_graph(p, question, &g, &assets);
    struct stale_asset *known = arena_array(&p->arena, g.count + 1, sizeof(*known));
    peer_insist(known != NULL, "memory");
    for (size_t n = 0; n < g.count; n++) {
        known[n] = asset_of(p, assets[n]);
    }
    jw_key(w, STR("answers"));
    jw_begin_array(w);
    for (uint32_t n = 0; n < g.count; n++) {
        struct staleness s;
        peer_insist(staleness_of(&g, known, n, &p->arena, &s, &p->err), p->err.msg);
        jw_begin_object(w);
        jw_member_str(w, "status", str_from(stale_status_name(s.status)));
        jw_member_str(w, "input", asset_version_of(&known[n]));
        jw_key(w, STR("causes"));
        jw_begin_array(w);
        for (size_t i = 0; i < s.cause_count; i++) {
            write_cause(&s.causes[i], w);
        }
        jw_end_array(w);
        jw_end_object(w);
    }
    jw_end_array(w);
}
