/* alert_test.c - hub/alert/alerts.h: a fleet's troubles over time, and who is told of them. */
#include "hub/alert/alerts.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 4000, TOLD_BYTES = 1 << 20 };
#define MINUTE (60 * NS_PER_SEC)

struct world {
    struct alert_rules rules;
    struct alert_row rows[ROWS_MAX];
    char subjects[ROWS_MAX][32];
    size_t rows_count;
    int64_t last_id;
    struct wall_time now;
    struct buf told; /* "+away:berlin(12/12) -away:berlin " */
};

static void begin(struct world *w)
{
    *w = (struct world){
        .rules = {.wait_ns = MINUTE, .repeat_ns = 0, .group_devices = 3},
        .now = {INT64_C(1800000000) * NS_PER_SEC},
        .told = buf_growing(TOLD_BYTES),
    };
}

static void tell(struct world *w, char sign, const struct alert_change *c)
{
    buf_addf(&w->told, "%c%s:" STR_FMT "(%lld) ", sign, alert_kind_name(c->row.kind),
             STR_ARG(c->row.subject), (long long)c->row.devices);
}

static void keep(struct world *w, size_t *at, const struct alert_change *c)
{
    struct alert_row *row = &w->rows[*at];
    char *subject = w->subjects[*at];
    char copy[32];
    (void)snprintf(copy, sizeof(copy), STR_FMT, STR_ARG(c->row.subject));
    *row = c->row;
    memcpy(subject, copy, sizeof(copy));
    row->subject = str_from(subject);
    row->id = row->id == 0 ? ++w->last_id : row->id;
    (*at)++;
}

/* What the shell does with the changes. */
static void step(struct world *w, const struct alert_condition *conditions, size_t count,
                 const struct alert_group *groups, size_t group_count)
{
    AUTO(arena) arena = arena_new(64 << 20);
    struct alert_change *changes = NULL;
    size_t changes_count = 0;
    size_t kept = 0;
    struct err err = {0};
    struct alert_row *open = calloc(w->rows_count + 1, sizeof(*open));
    char(*subjects)[32] = calloc(w->rows_count + 1, sizeof(*subjects));
    assert_non_null(open);
    assert_non_null(subjects);
    for (size_t i = 0; i < w->rows_count; i++) {
        memcpy(subjects[i], w->subjects[i], sizeof(subjects[i]));
        open[i] = w->rows[i];
        open[i].subject = str_from(subjects[i]);
    }
    const struct alert_look look = {.conditions = conditions,
                                    .condition_count = count,
                                    .groups = groups,
                                    .group_count = group_count,
                                    .open = open,
                                    .open_count = w->rows_count,
                                    .now = w->now};
    assert_true(alerts_step(&w->rules, &look, &arena, &changes, &changes_count, &err));
    for (size_t i = 0; i < changes_count; i++) {
        const struct alert_change *c = &changes[i];
        if (c->type == ALERT_FIRE) {
            tell(w, '+', c);
        } else if (c->type == ALERT_RESOLVE) {
            tell(w, '-', c);
        }
        if (c->type != ALERT_RESOLVE && c->type != ALERT_DROP) {
            keep(w, &kept, c);
        }
    }
    w->rows_count = kept;
    free(open);
    free(subjects);
}

static void told(struct world *w, const char *expected)
{
    assert_true(buf_cstr(&w->told) != NULL);
    assert_string_equal(w->told.len == 0 ? "" : buf_cstr(&w->told), expected);
    buf_reset(&w->told);
}

static struct alert_condition of(enum alert_kind kind, const char *device, const char *group)
{
    return (struct alert_condition){.kind = kind,
                                    .device = str_from(device),
                                    .group = str_from(group),
                                    .detail = str_from("why")};
}

static void one_device_is_told_once_it_lasts(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct alert_condition c = of(ALERT_FAILING, "till", "");
    step(&w, &c, 1, NULL, 0);
    told(&w, "");
    w.now.ns += MINUTE / 2;
    step(&w, NULL, 0, NULL, 0); /* gone by itself: nobody heard of it */
    told(&w, "");
    assert_int_equal(w.rows_count, 0);
    step(&w, &c, 1, NULL, 0);
    w.now.ns += MINUTE;
    step(&w, &c, 1, NULL, 0);
    told(&w, "+failing:till(1) ");
    w.now.ns += 1000 * MINUTE;
    step(&w, &c, 1, NULL, 0);
    told(&w, "");
    step(&w, NULL, 0, NULL, 0);
    told(&w, "-failing:till(1) ");
    buf_release(&w.told);
}

static void what_lasts_is_told_again_when_asked_for(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.rules.repeat_ns = 60 * MINUTE;
    struct alert_condition c[] = {of(ALERT_DISK, "till", ""), of(ALERT_DISK, "till", "")};
    for (int i = 0; i <= 122; i++) {
        step(&w, c, 2, NULL, 0);
        w.now.ns += MINUTE;
    }
    told(&w, "+disk:till(1) +disk:till(1) +disk:till(1) ");
    buf_release(&w.told);
}

static void a_dead_site_is_one_alert(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    const struct alert_group groups[] = {{STR_INIT("berlin"), 4}, {STR_INIT("bonn"), 40}};
    struct alert_condition c[] = {
        of(ALERT_AWAY, "b1", "berlin"), of(ALERT_AWAY, "b2", "berlin"),
        of(ALERT_AWAY, "b3", "berlin"), of(ALERT_AWAY, "b4", "berlin"),
        of(ALERT_AWAY, "c1", "bonn"),   of(ALERT_AWAY, "c2", "bonn"),
        of(ALERT_AWAY, "c3", "bonn"),   of(ALERT_LATE, "b1", "berlin"),
        of(ALERT_LATE, "c9", "bonn"),
    };
    /* They go one after the other, as a dying site's do. */
    for (size_t n = 1; n <= 2; n++) {
        step(&w, c, n, groups, 2);
        w.now.ns += MINUTE / 4;
    }
    step(&w, c, COUNT_OF(c), groups, 2);
    w.now.ns += MINUTE;
    step(&w, c, COUNT_OF(c), groups, 2);
    told(&w, "+away:berlin(4) +away:c1(1) +away:c2(1) +away:c3(1) +late:c9(1) ");
    /* One comes back: the site is still the one that is told of. What is late there shows now. */
    struct alert_condition fewer[] = {of(ALERT_AWAY, "b2", "berlin"),
                                      of(ALERT_LATE, "b1", "berlin")};
    step(&w, fewer, 2, groups, 2);
    told(&w, "-away:c1(1) -away:c2(1) -away:c3(1) -late:c9(1) ");
    w.now.ns += MINUTE;
    step(&w, fewer, 2, groups, 2);
    told(&w, "+late:b1(1) ");
    step(&w, NULL, 0, groups, 2);
    told(&w, "-away:berlin(1) -late:b1(1) ");
    buf_release(&w.told);
}

static void a_device_that_was_told_of_joins_its_group(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    const struct alert_group groups[] = {{STR_INIT("berlin"), 4}};
    struct alert_condition c[] = {of(ALERT_BUFFER, "b1", "berlin"),
                                  of(ALERT_BUFFER, "b2", "berlin"),
                                  of(ALERT_BUFFER, "b3", "berlin")};
    step(&w, c, 1, groups, 1);
    w.now.ns += MINUTE;
    step(&w, c, 1, groups, 1);
    told(&w, "+buffer:b1(1) ");
    step(&w, c, 3, groups, 1);
    told(&w, "-buffer:b1(1) ");
    w.now.ns += MINUTE;
    step(&w, c, 3, groups, 1);
    told(&w, "+buffer:berlin(3) ");
    assert_int_equal(w.rows_count, 1);
    buf_release(&w.told);
}

/* --- at random: what must hold whatever happens ------------------------------------------------ */

enum { DEVICES = 24, SITES = 4, STEPS = 400 };

struct random_fleet {
    unsigned seed;
    char names[DEVICES][8];
    bool troubled[DEVICES];
    bool is_told[DEVICES]; /* by its own alert or its site's */
};

static unsigned next(struct random_fleet *f)
{
    f->seed = f->seed * 1103515245U + 12345U;
    return f->seed >> 16U;
}

/* Reads "+away:site1(3) -away:d7(1) ": who is known to be in trouble. */
static void read_told(struct world *w, bool *sites, bool *devices)
{
    struct str rest = buf_str(&w->told);
    struct str word;
    while (rest.len > 0) {
        (void)str_cut(rest, ' ', &word, &rest);
        struct str subject;
        struct str tail;
        bool on = word.ptr[0] == '+';
        assert_true(str_cut(word, ':', &tail, &subject));
        assert_true(str_cut(subject, '(', &subject, &tail));
        bool is_site = subject.ptr[0] == 's';
        int64_t n = 0;
        assert_true(str_to_i64(str_slice(subject, 1, subject.len), 0, DEVICES, &n));
        bool *known = is_site ? &sites[n] : &devices[n];
        assert_true(*known != on); /* never told twice the same */
        *known = on;
    }
    buf_reset(&w->told);
}

static void whoever_is_told_of_trouble_is_told_of_its_end(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 40; seed++) {
        struct world w;
        struct random_fleet f = {.seed = seed};
        struct alert_group groups[SITES];
        static const char *const sites[SITES] = {"s0", "s1", "s2", "s3"};
        bool site_known[SITES] = {0};
        bool device_known[DEVICES] = {0};
        begin(&w);
        for (size_t i = 0; i < SITES; i++) {
            groups[i] = (struct alert_group){str_from(sites[i]), DEVICES / SITES};
        }
        for (int t = 0; t < STEPS; t++) {
            struct alert_condition c[DEVICES];
            size_t count = 0;
            bool ends = t > STEPS - 5; /* all is well in the end */
            for (size_t i = 0; i < DEVICES; i++) {
                (void)snprintf(f.names[i], sizeof(f.names[i]), "d%zu", i);
                f.troubled[i] = !ends && (next(&f) % 8 == 0 ? !f.troubled[i] : f.troubled[i]);
                if (f.troubled[i]) {
                    c[count++] = of(ALERT_AWAY, f.names[i], sites[i % SITES]);
                }
            }
            step(&w, c, count, groups, SITES);
            w.now.ns += MINUTE / 2;
            read_told(&w, site_known, device_known);
            assert_true(w.rows_count <= DEVICES + SITES);
            for (size_t i = 0; i < w.rows_count; i++) {
                for (size_t k = 0; k < i; k++) { /* one alert a subject */
                    assert_false(str_eq(w.rows[i].subject, w.rows[k].subject));
                }
            }
        }
        assert_int_equal(w.rows_count, 0);
        for (size_t i = 0; i < SITES; i++) {
            assert_false(site_known[i]);
        }
        buf_release(&w.told);
    }
}

static void ten_thousand_devices_take_no_time(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    struct world *w = calloc(1, sizeof(*w));
    struct alert_condition *c = calloc(2 * MANY, sizeof(*c));
    char(*names)[16] = calloc(MANY, sizeof(*names));
    assert_non_null(w);
    assert_non_null(c);
    assert_non_null(names);
    begin(w);
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "device-%zu", i);
        c[2 * i] = of(ALERT_AWAY, names[i], "");
        c[2 * i + 1] = of(ALERT_LATE, names[i], "");
    }
    for (int t = 0; t < 20; t++) {
        step(w, c, 2 * MANY, NULL, 0);
    }
    assert_int_equal(w->rows_count, MANY);
    buf_release(&w->told);
    free(names);
    free(c);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_device_is_told_once_it_lasts),
        cmocka_unit_test(what_lasts_is_told_again_when_asked_for),
        cmocka_unit_test(a_dead_site_is_one_alert),
        cmocka_unit_test(a_device_that_was_told_of_joins_its_group),
        cmocka_unit_test(whoever_is_told_of_trouble_is_told_of_its_end),
        cmocka_unit_test(ten_thousand_devices_take_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
