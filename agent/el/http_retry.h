/* http_retry.h - what to do after an answer, or after none: take it, ask again and when, or give
 * up. Pure. Source: RFC 9110 sections 10.2.3 (Retry-After) and 15. */
#pragma once
#include "common/base/time.h"

struct retry_policy {
    int64_t retries; /* after the first attempt */
    int64_t wait_ns; /* before the first retry, doubled for each one more; half of it is chance */
    int64_t longest_ns; /* of any wait, the server's Retry-After among them */
};

enum retry_verdict {
    RETRY_NOT_NEEDED, /* 2xx */
    RETRY_LATER,      /* after wait_ns */
    RETRY_USED_UP,    /* it would help, and was tried often enough */
    RETRY_TOO_LATE,   /* the server asks for a wait of wait_ns, longer than the policy's longest */
    RETRY_NO_USE,     /* the answer would be the same */
};
struct retry_answer {
    int status;             /* 0: the connection failed */
    struct str retry_after; /* the header's value; empty = none */
    struct str date;        /* the same; the server's clock */
    struct wall_time now;   /* ours, where the server does not tell */
    uint64_t chance;        /* random */
};
struct retry_decision {
    enum retry_verdict verdict;
    int64_t wait_ns;
};
/* `tried`: retries so far. */
struct retry_decision retry_decide(const struct retry_policy *policy, int64_t tried,
                                   const struct retry_answer *answer);

/* Seconds, or a date: then from the server's own clock on, for ours may be wrong. */
MUST_CHECK bool retry_after_parse(const struct retry_answer *answer, int64_t *ret_ns);
/* The three forms of an HTTP date (RFC 9110 section 5.6.7), in seconds since 1970. */
MUST_CHECK bool http_date_parse(struct str text, int64_t *ret_seconds);
