/* check_time.c - time zones and cron expressions, and an asset's freshness and automation. */
#include "agent/definitions/loader.h"

#include <stdio.h>

enum { SHOWN_BYTES_MAX = 80 };

/* --- zones: read once each --- */

struct zone {
    struct str name;
    const struct tz *tz;
    struct zone *next;
};

static const struct tz *known_zone(const struct loader *l, struct str name)
{
    for (const struct zone *zone = l->zones; zone != NULL; zone = zone->next) {
        if (str_eq(zone->name, name)) {
            return zone->tz;
        }
    }
    return NULL;
}

static bool read_zone(struct loader *l, struct str name, const struct tz **ret, struct err *err)
{
    if (!tz_name_is_valid(name)) {
        (void)err_set(err, ERR_INVALID, "it is not a zone's name");
        return err_hint(err, "a name such as Europe/Berlin or UTC");
    }
    char text[TZ_NAME_MAX + 1];
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(name));
    AUTO(buf) bytes = buf_growing(TZ_BYTES_MAX);
    struct tz *tz = NULL;
    if (!l->files->read_zone(l->files->ctx, text, &bytes, err) ||
        !tz_parse(buf_str(&bytes), &l->defs->arena, &tz, err)) {
        return false;
    }
    struct zone *zone = arena_alloc(&l->scratch, sizeof(*zone));
    if (zone == NULL) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory for a time zone");
    }
    *zone = (struct zone){.name = name, .tz = tz, .next = l->zones};
    l->zones = zone;
    *ret = tz;
    return true;
}

void item_zone(const struct item *item, const struct json *node, struct str name,
               const struct tz **ret)
{
    const struct tz *known = str_eq(name, STR("UTC")) ? tz_utc() : known_zone(item->l, name);
    struct err err = {0};
    if (known != NULL) {
        *ret = known;
    } else if (name.ptr != NULL && !read_zone(item->l, name, ret, &err)) {
        item_problem(item, place_of(node, "timezone"), err.hint, "timezone " STR_FMT ": %s",
                     STR_ARG(str_slice(name, 0, SHOWN_BYTES_MAX)), err.msg);
    }
}

bool item_cron(const struct item *item, const struct json *node, const char *key, struct str text,
               struct cron *ret)
{
    struct location at = place_of(node, key);
    struct err err = {0};
    struct wall_time next;
    if (text.ptr == NULL) {
        return false; /* missing, or no text: reported before */
    }
    if (!cron_parse(text, ret, &err)) {
        item_problem(item, at, err.hint, "%s: %s", key, err.msg);
        return false;
    }
    if (!cron_next(ret, tz_utc(), (struct wall_time){0}, &next)) {
        item_problem(item, at, NULL, "%s: \"" STR_FMT "\" never happens", key, STR_ARG(text));
        return false;
    }
    return true;
}

/* --- freshness --- */

static void check_window(const struct item *item, const struct json *node,
                         const struct freshness_policy *policy)
{
    const char *const deadline_keys[] = {"lower_bound", "timezone"};
    for (size_t i = 0; i < COUNT_OF(deadline_keys); i++) {
        if (json_get(node, deadline_keys[i]) != NULL) {
            item_problem(item, place_of(node, deadline_keys[i]), "take it away",
                         "freshness: %s goes with cron only", deadline_keys[i]);
        }
    }
    if (policy->warn_after_ns >= policy->fail_after_ns && policy->fail_after_ns > 0) {
        item_problem(item, place_of(node, "warn_after"), "it warns first, then it fails",
                     "freshness: warn_after is not shorter than fail_after");
    }
}

static void check_deadline(const struct item *item, const struct json *node,
                           struct freshness_policy *policy)
{
    (void)item_cron(item, node, "cron", policy->cron_text, &policy->cron);
    item_zone(item, node, policy->timezone, &policy->tz);
    if (json_get(node, "lower_bound") == NULL) {
        item_problem(item, place_of_node(node), "such as lower_bound: 1h",
                     "freshness: cron needs a lower_bound: how long before each deadline counts");
    }
    if (json_get(node, "warn_after") != NULL) {
        item_problem(item, place_of(node, "warn_after"), "take it away",
                     "freshness: warn_after goes with fail_after only");
    }
}

void check_freshness(const struct subject *s)
{
    const struct json *node = json_get(s->node, "freshness");
    struct freshness_policy *policy = &s->raw->freshness.policy;
    struct item item = item_of_asset(s);
    if (node == NULL || node->type != JSON_OBJECT) {
        return;
    }
    policy->tz = tz_utc();
    bool has_window = json_get(node, "fail_after") != NULL;
    bool has_cron = json_get(node, "cron") != NULL;
    if (has_window == has_cron) {
        item_problem(&item, place_of_node(node), NULL,
                     "freshness needs one of fail_after and cron, and not both");
        return;
    }
    policy->kind = has_cron ? FRESHNESS_DEADLINE : FRESHNESS_WINDOW;
    if (has_cron) {
        check_deadline(&item, node, policy);
    } else {
        check_window(&item, node, policy);
    }
    s->raw->asset.freshness = *policy;
}

/* --- automation --- */

void check_automation(const struct subject *s)
{
    static const enum automation_kind kinds[] = {
        [AUTOMATION_WORD_EAGER] = AUTOMATION_EAGER,
        [AUTOMATION_WORD_ON_MISSING] = AUTOMATION_ON_MISSING,
    };
    const struct json *node = json_get(s->node, "automation");
    const struct raw_automation *raw = &s->raw->automation;
    struct automation *automation = &s->raw->asset.automation;
    if (node == NULL) {
        return;
    }
    *automation = (struct automation){.kind = AUTOMATION_ON_CRON, .timezone = raw->timezone};
    automation->tz = tz_utc();
    if (raw->has_word) {
        automation->kind = kinds[raw->word];
    } else if (node->type == JSON_OBJECT) {
        struct item item = item_of_asset(s);
        automation->cron_text = raw->cron;
        (void)item_cron(&item, node, "on_cron", raw->cron, &automation->cron);
        item_zone(&item, node, raw->timezone, &automation->tz);
    }
}
