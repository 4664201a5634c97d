#include "hub/rows/refusal_words.h"

#define ANOTHER_VERSION                                                                            \
    "Its agent says what this hub does not understand: bring both to one version. If they are, "   \
    "something else has its certificate: selvedge-hub device revoke."

static const struct advice {
    const char *what;
    const char *why; /* somewhere in it; NULL: whatever it is */
    const char *text;
} advices[] = {
    {"connection", "showed no client certificate",
     "If it is yours, enrol it: selvedge-hub token create. Else somebody tries the port: let a "
     "firewall bound who reaches it."},
    {"connection", "expired, revoked or signed by another CA",
     "If it is yours, let it join again: selvedge-hub device replace, or a new token."},
    {"connection", "does not trust this hub",
     "If it is yours, it was enrolled with another hub, or the hub has another CA since: compare "
     "selvedge-hub ca status with its ca.crt, and enrol it again."},
    {"connection", NULL,
     "It is no agent of this fleet. Let a firewall bound who reaches the port."},
    {"enrolment", "rejected",
     "It asks on until its agent is stopped. If it may join after all, it needs a token: "
     "selvedge-hub token create."},
    {"enrolment", NULL,
     "If it is yours, make it a token for that name: selvedge-hub token create. Who may join: "
     "selvedge-hub token list, selvedge-hub enrolments."},
    {"publish", NULL,
     "An agent writes to its own topics only. See what runs on that host; if nobody knows: "
     "selvedge-hub device revoke."},
    {"subscribe", NULL,
     "An agent reads its own topics only. See what runs on that host; if nobody knows: "
     "selvedge-hub device revoke."},
    {"packet", NULL,
     "An agent sends nothing so large. See what runs on that host; if nobody knows: selvedge-hub "
     "device revoke."},
    {"message", "revoked",
     "It still runs somewhere. If it is found again: selvedge-hub device replace."},
    {"birth", "put back to an earlier state",
     "Nothing, if its disk was put back. If it comes again and again, two hosts have its identity: "
     "selvedge-hub clones."},
    {"clone", NULL,
     "Find both hosts, stop the copy, and enrol it under a name of its own. Then: selvedge-hub "
     "clones."},
    {"events", "kept aside",
     "Nothing, if its disk was put back; what came is kept: selvedge-hub quarantine. If it comes "
     "again and again, two hosts have its identity: selvedge-hub clones."},
    {"events", "not listened to",
     "Find both hosts, stop the copy, and enrol it under a name of its own. Then: selvedge-hub "
     "clones."},
    {"certificate", NULL,
     "Its certificate ends at its time unless it joins again: selvedge-hub device replace."},
    {"desired", NULL, "Its state was put back, or is not its own: selvedge-hub desired show."},
    {"lease", NULL, "More devices ask for pools than the hub keeps: see selvedge-hub pools."},
};

const char *refusal_advice(struct str what, struct str why)
{
    for (size_t i = 0; i < COUNT_OF(advices); i++) {
        const struct advice *a = &advices[i];
        if (str_eq(what, str_from(a->what)) &&
            (a->why == NULL || str_contains(why, str_from(a->why)))) {
            return a->text;
        }
    }
    return ANOTHER_VERSION;
}

bool refusal_knows_peer(struct str what)
{
    return !str_eq(what, STR("enrolment")) && !str_eq(what, STR("connection"));
}
