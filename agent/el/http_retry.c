#include "agent/el/http_retry.h"

enum {
    STATUS_TIMEOUT = 408,
    STATUS_TOO_EARLY = 425,
    STATUS_TOO_MANY = 429,
    STATUS_NOT_IMPLEMENTED = 501,
    STATUS_NO_SUCH_VERSION = 505,
    DOUBLINGS_MAX = 30,
    DATE_WORDS = 6,
};
#define SECONDS_MAX (INT64_MAX / NS_PER_SEC)

/* --- dates ----------------------------------------------------------------------------------- */

static bool month_of(struct str word, int *ret)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int i = 0; i < 12; i++) {
        if (str_eq(word, str_from(names[i]))) {
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

static bool number(struct str word, int64_t min, int64_t max, int *ret)
{
    int64_t value = 0;
    if (word.len == 0 || word.ptr[0] == '-' || !str_to_i64(word, min, max, &value)) {
        return false;
    }
    *ret = (int)value;
    return true;
}

static bool time_of(struct str word, struct civil_time *ret)
{
    struct str hour;
    struct str minute;
    struct str second;
    return str_cut(word, ':', &hour, &minute) && str_cut(minute, ':', &minute, &second) &&
           number(hour, 0, 23, &ret->hour) && number(minute, 0, 59, &ret->minute) &&
           number(second, 0, 60, &ret->second);
}

/* At most `max` words between spaces, commas and dashes. */
static size_t split(struct str text, struct str *words, size_t max)
{
    size_t count = 0;
    size_t start = 0;
    for (size_t i = 0; i <= text.len; i++) {
        bool is_end =
            i == text.len || text.ptr[i] == ' ' || text.ptr[i] == ',' || text.ptr[i] == '-';
        if (is_end && i > start && count < max) {
            words[count++] = str_slice(text, start, i);
        }
        start = is_end ? i + 1 : start;
    }
    return count;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" */
bool http_date_parse(struct str text, int64_t *ret_seconds)
{
    struct str w[DATE_WORDS];
    struct civil_time c = {0};
    int year = 0;
    size_t count = split(text, w, DATE_WORDS);
    bool is_asctime = count == DATE_WORDS - 1 && month_of(w[1], &c.month);
    if (is_asctime) {
        if (!number(w[2], 1, 31, &c.day) || !time_of(w[3], &c) ||
            !number(w[4], 1601, 9999, &year)) {
            return false;
        }
    } else if (count != DATE_WORDS || !number(w[1], 1, 31, &c.day) || !month_of(w[2], &c.month) ||
               !number(w[3], 0, 9999, &year) || !time_of(w[4], &c) || !str_eq(w[5], STR("GMT"))) {
        return false;
    }
    if (year < 100) {
        year += year < 70 ? 2000 : 1900;
    }
    c.year = year;
    *ret_seconds = civil_to_seconds(&c);
    return true;
}

/* --- waits ----------------------------------------------------------------------------------- */

static bool is_digits(struct str text)
{
    bool ok = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        ok = ok && text.ptr[i] >= '0' && text.ptr[i] <= '9';
    }
    return ok;
}

bool retry_after_parse(const struct retry_answer *answer, int64_t *ret_ns)
{
    struct str text = str_trim(answer->retry_after);
    int64_t seconds = 0;
    int64_t now = answer->now.ns / NS_PER_SEC;
    if (is_digits(text)) {
        if (!str_to_i64(text, 0, SECONDS_MAX, &seconds)) {
            seconds = SECONDS_MAX;
        }
    } else {
        int64_t at = 0;
        if (!http_date_parse(text, &at)) {
            return false;
        }
        if (!http_date_parse(str_trim(answer->date), &now)) {
            now = answer->now.ns / NS_PER_SEC;
        }
        seconds = at > now ? at - now : 0;
    }
    *ret_ns = (seconds < SECONDS_MAX ? seconds : SECONDS_MAX) * NS_PER_SEC;
    return true;
}

static int64_t own_wait(const struct retry_policy *policy, int64_t tried, uint64_t chance)
{
    int64_t wait = policy->wait_ns < policy->longest_ns ? policy->wait_ns : policy->longest_ns;
    for (int64_t i = 0; i < tried && i < DOUBLINGS_MAX; i++) {
        wait = wait > policy->longest_ns / 2 ? policy->longest_ns : wait * 2;
    }
    int64_t half = wait / 2;
    return half + (int64_t)(chance % (uint64_t)(wait - half + 1));
}

static bool may_pass(int status)
{
    if (status >= 500) {
        return status != STATUS_NOT_IMPLEMENTED && status != STATUS_NO_SUCH_VERSION;
    }
    return status == 0 || status == STATUS_TIMEOUT || status == STATUS_TOO_EARLY ||
           status == STATUS_TOO_MANY;
}

struct retry_decision retry_decide(const struct retry_policy *policy, int64_t tried,
                                   const struct retry_answer *answer)
{
    if (answer->status >= 200 && answer->status < 300) {
        return (struct retry_decision){.verdict = RETRY_NOT_NEEDED};
    }
    if (!may_pass(answer->status)) {
        return (struct retry_decision){.verdict = RETRY_NO_USE};
    }
    if (tried >= policy->retries) {
        return (struct retry_decision){.verdict = RETRY_USED_UP};
    }
    struct retry_decision d = {.verdict = RETRY_LATER,
                               .wait_ns = own_wait(policy, tried, answer->chance)};
    int64_t asked = 0;
    if (retry_after_parse(answer, &asked)) {
        d.wait_ns = asked > d.wait_ns ? asked : d.wait_ns;
        d.verdict = asked > policy->longest_ns ? RETRY_TOO_LATE : RETRY_LATER;
    }
    return d;
}
