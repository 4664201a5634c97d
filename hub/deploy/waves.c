#include "hub/deploy/waves.h"

#include "common/tls/identity.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 1000000 };

/* --- what a person writes --------------------------------------------------------------------- */

static bool parse_amount(struct str text, int64_t *ret, bool *ret_is_percent)
{
    *ret_is_percent = str_ends(text, STR("%"));
    struct str number = *ret_is_percent ? str_trim(str_slice(text, 0, text.len - 1)) : text;
    return str_to_i64(number, 0, *ret_is_percent ? 100 : COUNT_MAX, ret);
}

static bool add_wave(struct wave_sizes *sizes, struct str text, struct err *err)
{
    int64_t amount = 0;
    bool is_percent = false;
    if (sizes->count == WAVES_MAX) {
        return err_set(err, ERR_INVALID, "more than %d waves", WAVES_MAX);
    }
    if (!parse_amount(text, &amount, &is_percent) || amount == 0) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no size of a wave", STR_ARG(text));
    }
    struct wave_size *size = &sizes->of[sizes->count++];
    *size =
        is_percent ? (struct wave_size){.percent = amount} : (struct wave_size){.count = amount};
    const struct wave_size *before = sizes->count > 1 ? size - 1 : NULL;
    bool falls =
        before != NULL &&
        ((before->percent > 0 && (size->percent == 0 || size->percent <= before->percent)) ||
         (before->percent == 0 && size->percent == 0 && size->count <= before->count));
    return !falls ||
           err_set(err, ERR_INVALID, "wave %zu is not larger than the one before it", sizes->count);
}

bool wave_sizes_parse(struct str text, struct wave_sizes *ret, struct err *err)
{
    struct wave_sizes sizes = {0};
    struct str part = STR_NONE;
    bool has_more = true;
    while (has_more) {
        has_more = str_cut(text, ',', &part, &text);
        if (!add_wave(&sizes, str_trim(part), err)) {
            (void)err_wrap(err, "waves");
            return err_hint(err, "how many have it once each wave has begun: 1,10%%,50%%,100%%");
        }
    }
    if (sizes.of[sizes.count - 1].percent != 100) {
        (void)err_set(err, ERR_INVALID, "waves: the last one leaves devices out");
        return err_hint(err, "end with 100%%, or choose fewer devices with --to");
    }
    *ret = sizes;
    return true;
}

static struct str next_word(struct str *rest)
{
    struct str word = STR_NONE;
    *rest = str_trim(*rest);
    (void)str_cut(*rest, ' ', &word, rest);
    return word;
}

static bool parse_rule(struct str text, struct wave_rule *ret, struct err *err)
{
    static const struct str names[] = {[WAVE_FAILED] = STR_INIT("failed"),
                                       [WAVE_ROLLED_BACK] = STR_INIT("rolled_back"),
                                       [WAVE_AWAY] = STR_INIT("away")};
    struct str left = STR_NONE;
    struct str right = STR_NONE;
    bool ok = str_cut(text, '>', &left, &right) &&
              parse_amount(str_trim(right), &ret->above, &ret->is_percent);
    for (size_t i = 0; ok && i < COUNT_OF(names); i++) {
        if (str_eq(str_trim(left), names[i])) {
            ret->what = (enum wave_count)i;
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no condition", STR_ARG(str_trim(text)));
}

/* Cuts "failed > 2% or away > 10" at its first word "or"; whether there was one. */
static bool next_rule(struct str *rest, struct str *ret)
{
    struct str all = str_trim(*rest);
    struct str left = all;
    while (left.len > 0) {
        struct str word = next_word(&left);
        if (str_eq(word, STR("or"))) {
            *rest = left;
            *ret = str_trim(str_slice(all, 0, (size_t)(word.ptr - all.ptr)));
            return true;
        }
    }
    *ret = all;
    return false;
}

bool wave_rules_parse(struct str text, struct wave_rules *ret, struct err *err)
{
    struct wave_rules rules = {0};
    if (str_eq(str_trim(text), STR("never"))) {
        *ret = rules;
        return true;
    }
    bool has_more = true;
    while (has_more) {
        struct str rule = STR_NONE;
        bool ok = rules.count < WAVE_RULES_MAX ||
                  err_set(err, ERR_INVALID, "more than %d conditions", WAVE_RULES_MAX);
        has_more = next_rule(&text, &rule);
        ok = ok && parse_rule(rule, &rules.of[rules.count], err);
        if (!ok) {
            (void)err_wrap(err, "abort-if");
            return err_hint(err, "failed > 2%%, rolled_back > 0, away > 10, with `or` between "
                                 "them; or never");
        }
        rules.count++;
    }
    *ret = rules;
    return true;
}

/* --- who is in which wave --------------------------------------------------------------------- */

struct place {
    uint8_t hash[32];
    size_t index;
};

static int compare_places(const void *a, const void *b)
{
    return memcmp(((const struct place *)a)->hash, ((const struct place *)b)->hash, 32);
}

static bool hash_device(struct str deployment, struct str device, uint8_t ret[32])
{
    char memory[256];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_addf(&text, STR_FMT "\n" STR_FMT, STR_ARG(deployment), STR_ARG(device));
    digest_sha256(buf_str(&text), ret);
    return !text.overflow;
}

/* Of so many devices those asked once the wave has begun; a part of one counts as one. */
static int64_t reach(struct wave_size size, size_t devices)
{
    int64_t n = (int64_t)devices;
    int64_t reached = size.percent > 0 ? (n * size.percent + 99) / 100 : size.count;
    return reached > n ? n : reached;
}

bool waves_assign(const struct wave_sizes *sizes, struct str deployment, const struct str *devices,
                  size_t count, struct arena *arena, int64_t *ret, struct err *err)
{
    struct place *places = arena_array(arena, count == 0 ? 1 : count, sizeof(*places));
    if (places == NULL) {
        return err_set(err, ERR_NO_MEMORY, "part devices into waves: out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        places[i].index = i;
        if (!hash_device(deployment, devices[i], places[i].hash)) {
            return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is too long for a device's name",
                           STR_ARG(str_clip(devices[i], 64)));
        }
    }
    qsort(places, count, sizeof(*places), compare_places);
    int64_t wave = 0;
    for (size_t i = 0; i < count; i++) {
        while ((int64_t)i >= reach(sizes->of[wave], count)) {
            wave++; /* the last one reaches all */
        }
        ret[places[i].index] = wave + 1;
    }
    return true;
}

/* --- how it goes on --------------------------------------------------------------------------- */

/* What began at `from` and takes `for_ns`; a clock that went back waits the whole time again. */
static bool is_over(struct wall_time from, int64_t for_ns, struct wall_time now)
{
    return now.ns - from.ns >= for_ns;
}

static bool is_judged(const struct wave_device *device)
{
    return device->answer == WAVE_IS_HEALTHY || device->answer == WAVE_HAS_FAILED ||
           device->answer == WAVE_WAS_ROLLED_BACK;
}

static bool is_away(const struct wave_plan *plan, const struct wave_device *device,
                    struct wall_time now)
{
    return device->asked.ns != 0 && !is_judged(device) &&
           is_over(device->asked, plan->patience_ns, now);
}

struct wave_tally waves_count(const struct wave_plan *plan, const struct wave_device *devices,
                              size_t count, int64_t wave, struct wall_time now)
{
    struct wave_tally t = {0};
    for (size_t i = 0; i < count; i++) {
        const struct wave_device *device = &devices[i];
        if (wave != 0 && device->wave != wave) {
            continue;
        }
        bool was_asked = device->asked.ns != 0;
        t.devices++;
        t.asked += was_asked;
        t.away += is_away(plan, device, now);
        t.under_way += was_asked && device->answer == WAVE_UNDER_WAY && !is_away(plan, device, now);
        t.healthy += was_asked && device->answer == WAVE_IS_HEALTHY;
        t.failed += was_asked && device->answer == WAVE_HAS_FAILED;
        t.rolled_back += was_asked && device->answer == WAVE_WAS_ROLLED_BACK;
    }
    return t;
}

static int64_t counted(const struct wave_tally *t, enum wave_count what)
{
    switch (what) {
    case WAVE_FAILED:
        return t->failed + t->rolled_back;
    case WAVE_ROLLED_BACK:
        return t->rolled_back;
    case WAVE_AWAY:
        return t->away;
    }
    return 0;
}

static bool must_abort(const struct wave_plan *plan, const struct wave_tally *t,
                       struct wave_decision *ret)
{
    static const char *const words[] = {"could not take it or took it back", "took it back",
                                        "did not answer in time"};
    for (size_t i = 0; i < plan->rules.count; i++) {
        const struct wave_rule *rule = &plan->rules.of[i];
        int64_t n = counted(t, rule->what);
        bool is_above = rule->is_percent ? n * 100 > rule->above * t->asked : n > rule->above;
        if (is_above) {
            ret->step = WAVES_ABORT;
            (void)snprintf(ret->reason, sizeof(ret->reason),
                           "%lld of %lld devices asked %s, more than %lld%s", (long long)n,
                           (long long)t->asked, words[rule->what], (long long)rule->above,
                           rule->is_percent ? "%" : "");
            return true;
        }
    }
    return false;
}

/* Whether all that was asked is judged or passed over; else when the next one is passed over. */
static bool is_settled(const struct wave_plan *plan, const struct wave_device *devices,
                       size_t count, struct wall_time now, struct wall_time *ret_next)
{
    bool settled = true;
    *ret_next = (struct wall_time){0};
    for (size_t i = 0; i < count; i++) {
        const struct wave_device *device = &devices[i];
        if (device->wave > plan->wave || is_judged(device) || is_away(plan, device, now)) {
            continue;
        }
        settled = false;
        struct wall_time over = {device->asked.ns + plan->patience_ns};
        if (ret_next->ns == 0 || over.ns < ret_next->ns) {
            *ret_next = over;
        }
    }
    return settled;
}

/* The next that has devices; 0 = there is none. */
static int64_t next_wave(const struct wave_plan *plan, const struct wave_device *devices,
                         size_t count)
{
    int64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t wave = devices[i].wave;
        if (wave > plan->wave && (next == 0 || wave < next)) {
            next = wave;
        }
    }
    return next;
}

struct wave_decision waves_decide(const struct wave_plan *plan, const struct wave_device *devices,
                                  size_t count, struct wall_time now)
{
    struct wave_decision d = {.step = WAVES_WAIT};
    struct wave_tally all = waves_count(plan, devices, count, 0, now);
    if (must_abort(plan, &all, &d)) {
        return d;
    }
    if (!is_settled(plan, devices, count, now, &d.at)) {
        return d;
    }
    int64_t next = next_wave(plan, devices, count);
    if (next == 0) {
        d.step = WAVES_DONE;
        return d;
    }
    bool is_new = plan->settled.ns == 0 || plan->settled.ns > now.ns;
    d.settled = is_new ? now : plan->settled;
    if (plan->wave > 0 && !is_over(d.settled, plan->soak_ns, now)) {
        d.at = (struct wall_time){d.settled.ns + plan->soak_ns};
        return d;
    }
    d.step = WAVES_BEGIN;
    d.wave = next;
    d.settled = (struct wall_time){0};
    return d;
}
