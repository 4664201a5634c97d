#include "agent/el/load_rejects.h"

#include "common/log/log.h"

enum { REJECTS_TOLD = 10 }; /* in the log, one by one */

bool load_rejects_init(struct rejects *r, const struct load_options *load,
                       const struct target_ops *target, struct arena *arena, struct err *err)
{
    const struct json *limit = load->reject_limit;
    struct str text = STR("0");
    if (limit != NULL && limit->type == JSON_STRING) {
        text = limit->as.string;
    } else if (limit != NULL && limit->type == JSON_INT) {
        text = arena_printf(arena, "%lld", (long long)limit->as.integer);
    } else if (limit != NULL) {
        return err_set(err, ERR_INVALID, "\"reject_limit\" is no number and no text");
    }
    if (!rejects_init(r, text, err)) {
        return false;
    }
    if (rejects_are_on(r) && target->quarantine == NULL) {
        return err_set(err, ERR_INVALID, "\"reject_limit\": the target %s has no quarantine",
                       target->type);
    }
    return true;
}

bool load_rejects_flush(struct rejects *r, struct target *target, struct err *err)
{
    if (r->waiting == 0) {
        return true;
    }
    for (size_t i = 0; i < r->waiting; i++) {
        int64_t number = r->count - (int64_t)(r->waiting - i) + 1;
        struct reject one = rejects_get(r, i);
        if (number <= REJECTS_TOLD) {
            LOG(WARN, "el.rejected", F_S("stream", one.stream), F_S("place", one.place),
                F_S("reason", one.reason));
        }
    }
    bool ok = target->ops->quarantine(target, err);
    rejects_taken(r);
    return ok;
}

void load_rejects_show(struct rejects *r, struct target *target, struct err *err)
{
    struct err ignored = {0};
    if (!r->is_passed || target == NULL) {
        return;
    }
    if (target->ops->quarantine_failed(target, &ignored)) {
        struct str where = target->quarantine;
        err_hint(err, "look at %s; correct the records, or raise \"reject_limit\"",
                 where.len == 0 ? "the quarantine" : where.ptr);
    } else {
        LOG(WARN, "el.quarantine_failed", F_ERR(&ignored));
    }
}
