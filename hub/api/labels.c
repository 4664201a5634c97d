/* labels.c - /labels: of all devices that are meant, some labels set and some taken off. */
#include "hub/api/api_internal.h"

#include "hub/fleet/poke.h"
#include "hub/rows/chosen.h"

enum { CHANGES_MAX = 64 };

struct labelling {
    struct label_change changes[CHANGES_MAX];
    size_t count;
    struct chosen chosen;
};

static bool add_change(struct labelling *l, struct str key, struct str value, struct err *err)
{
    if (l->count == CHANGES_MAX) {
        return err_set(err, ERR_INVALID, "more than %d labels at once", CHANGES_MAX);
    }
    if (!label_key_is_valid(key) || (!str_is_empty(value) && !label_value_is_valid(value))) {
        (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no label", STR_ARG(key));
        return err_hint(err,
                        "keys are 1 to 63 of a-z, 0-9, - _ . /, values 1 to 255 of those, A-Z, "
                        ": @ +");
    }
    l->changes[l->count++] = (struct label_change){.key = key, .value = value};
    return true;
}

static bool read_changes(struct labelling *l, const struct json *body, struct err *err)
{
    const struct json *set = json_get(body, "set");
    const struct json *remove = json_get(body, "remove");
    bool is_good = (set == NULL || set->type == JSON_OBJECT) &&
                   (remove == NULL || remove->type == JSON_ARRAY) &&
                   (set != NULL || remove != NULL);
    if (!is_good) {
        return err_set(err, ERR_INVALID,
                       "set is an object such as {\"site\":\"berlin\"}, remove a "
                       "list of names");
    }
    for (const struct json *e = set != NULL ? set->child : NULL; e != NULL; e = e->next) {
        if (e->type != JSON_STRING || str_is_empty(e->as.string)) {
            return err_set(err, ERR_INVALID, "a label's value is text");
        }
        if (!add_change(l, e->key, e->as.string, err)) {
            return false;
        }
    }
    for (const struct json *e = remove != NULL ? remove->child : NULL; e != NULL; e = e->next) {
        if (!add_change(l, e->type == JSON_STRING ? e->as.string : STR(""), STR_NONE, err)) {
            return false;
        }
    }
    return true;
}

static bool change(struct api *api, struct labelling *l, struct str targets, struct err *err)
{
    if (!chosen_find(api->registry, targets, &l->chosen, err)) {
        return false;
    }
    if (l->chosen.count == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no device " STR_FMT, STR_ARG(targets));
        return err_hint(err, "list them: selvedge-hub devices");
    }
    return registry_change_labels(api->registry, l->chosen.devices, l->chosen.count, l->changes,
                                  l->count, err);
}

static void write_devices(const struct labelling *l, struct http_response *rs)
{
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_key(&w, STR("devices"));
    jw_begin_array(&w);
    for (size_t i = 0; i < l->chosen.count; i++) {
        jw_begin_object(&w);
        jw_member_str(&w, "device", l->chosen.devices[i]);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
}

bool api_labels_post(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct labelling l = {0};
    const struct json *body = NULL;
    if (!api_body(rq, &body, err) || !read_changes(&l, body, err)) {
        return false;
    }
    struct str targets = api_member(body, "targets");
    bool ok = (!str_is_empty(targets) || err_set(err, ERR_INVALID, "targets are needed")) &&
              change(api, &l, targets, err);
    api_audit(api, rq, "device.label", targets, ok ? "ok" : "failed",
              ok ? rq->body : str_from(err->msg));
    if (ok) {
        poke_send(api->config);
        write_devices(&l, rs);
    }
    chosen_release(&l.chosen);
    return ok;
}
