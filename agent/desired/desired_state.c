#include "agent/desired/desired_state.h"

#include <stdio.h>
#include <string.h>

enum desired_verdict desired_weigh(const struct desired_state *s, int64_t revision,
                                   const char *hash)
{
    bool is_refused = s->refused > s->applied;
    int64_t newest = is_refused ? s->refused : s->applied;
    const char *known = is_refused ? s->refused_hash : s->hash;
    if (revision == newest) {
        return strcmp(hash, known) == 0 ? DESIRED_KNOWN : DESIRED_STALE;
    }
    return revision > newest ? DESIRED_TRY : DESIRED_STALE;
}

bool desired_check_address(const struct desired *d, struct str fleet, struct str device,
                           struct err *err)
{
    if (!str_eq(d->fleet, fleet)) {
        return err_set(err, ERR_DENIED, "it is for fleet " STR_FMT,
                       STR_ARG(str_slice(d->fleet, 0, LIMIT_NAME_BYTES)));
    }
    return str_eq(d->device, device) || err_set(err, ERR_DENIED, "it is for device " STR_FMT,
                                                STR_ARG(str_slice(d->device, 0, LIMIT_NAME_BYTES)));
}

static void keep(char *into, size_t size, struct str text)
{
    (void)snprintf(into, size, STR_FMT, STR_ARG(str_slice(text, 0, size - 1)));
}

void desired_state_apply(struct desired_state *s, int64_t revision, const char *hash,
                         enum desired_status status, struct str reason)
{
    s->applied = revision;
    s->status = status;
    keep(s->hash, sizeof(s->hash), str_from(hash));
    keep(s->reason, sizeof(s->reason), reason);
    if (s->refused <= revision) {
        s->refused = 0;
        s->refused_hash[0] = '\0';
        s->refused_reason[0] = '\0';
    }
}

void desired_state_refuse(struct desired_state *s, int64_t revision, const char *hash,
                          struct str reason)
{
    s->refused = revision;
    keep(s->refused_hash, sizeof(s->refused_hash), str_from(hash));
    keep(s->refused_reason, sizeof(s->refused_reason), reason);
}

struct message_reported desired_answer(const struct desired_state *s, struct wall_time now)
{
    struct message_reported m = {.revision = s->applied,
                                 .status = s->status,
                                 .reason = str_from(s->reason),
                                 .applied = s->applied,
                                 .hash = str_from(s->hash),
                                 .at = now};
    if (s->refused > s->applied) {
        m.revision = s->refused;
        m.status = DESIRED_REFUSED;
        m.reason = str_from(s->refused_reason);
    }
    return m;
}
