/* command_courier_test.c - the courier and the waves with simulated time: lost messages, devices that
 * are away and come back, hubs that start again, commands that expire. */
#include "hub/command/courier.h"
#include "hub/command/wave.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 40, COMMANDS = 30, PER_S = 50, SENT_AT_ONCE = 16, SEEDS = 40 };
#define HOUR_NS (3600 * NS_PER_SEC)

/* --- a world: the database, devices, a network ------------------------------------------------ */

struct cell { /* a command for a device */
    struct courier_row row;
    bool exists, is_open, is_received;
    struct wall_time received_at;
};
struct device {
    char name[16];
    bool is_online;
    bool is_deaf; /* connected, and what is sent to it is lost */
};
struct world {
    struct courier *courier;
    struct cell cells[DEVICES][COMMANDS];
    struct device devices[DEVICES];
    struct rng rng;
    struct seeded_rng seeded;
    int64_t now_ns;
    int64_t loss_percent;
    int64_t sent, sent_in_second, second;
    uint64_t seed;
};

static struct mono_time mono(const struct world *w)
{
    return (struct mono_time){w->now_ns};
}

static struct wall_time wall(const struct world *w)
{
    return (struct wall_time){w->now_ns + INT64_C(1795000000) * NS_PER_SEC};
}

static uint64_t dice(struct world *w, uint64_t bound)
{
    return rng_below(&w->rng, bound);
}

static struct courier *new_courier(void)
{
    struct courier *c = NULL;
    struct err err = {0};
    assert_true(courier_open(&c, PER_S, &err));
    return c;
}

static void world_open(struct world *w, uint64_t seed, int64_t loss_percent)
{
    memset(w, 0, sizeof(*w));
    w->seed = seed;
    w->seeded = seeded_rng_new(seed);
    w->rng = seeded_rng_port(&w->seeded);
    w->now_ns = NS_PER_SEC;
    w->loss_percent = loss_percent;
    w->courier = new_courier();
    for (int d = 0; d < DEVICES; d++) {
        (void)snprintf(w->devices[d].name, sizeof(w->devices[d].name), "device-%d", d);
    }
}

static struct device *device_of(struct world *w, struct str name)
{
    for (int d = 0; d < DEVICES; d++) {
        if (str_eq(name, str_from(w->devices[d].name))) {
            return &w->devices[d];
        }
    }
    fail_msg("the courier made up %.*s", (int)name.len, name.ptr);
    return NULL;
}

static void be_born(struct world *w, struct device *d)
{
    d->is_online = true;
    assert_true(courier_born(w->courier, str_from(d->name), mono(w), wall(w)));
}

static void give(struct world *w, int command, int64_t life_ns)
{
    for (int d = 0; d < DEVICES; d++) {
        w->cells[d][command] = (struct cell){.exists = true, .is_open = true};
        w->cells[d][command].row.expires.ns = wall(w).ns + life_ns;
        courier_wake(w->courier, str_from(w->devices[d].name), mono(w));
    }
}

/* What the desk does with one command that is to be sent. */
static void send_one(struct world *w, struct device *d, struct cell *cell)
{
    assert_true(d->is_online);
    assert_true(cell->row.expires.ns > wall(w).ns);
    cell->row.sent++;
    cell->row.last_sent = wall(w);
    w->sent++;
    bool is_lost = d->is_deaf || (int64_t)dice(w, 100) < w->loss_percent;
    if (!is_lost && !cell->is_received) {
        cell->is_received = true;
        cell->received_at = wall(w);
    }
    if (cell->is_received && (int64_t)dice(w, 100) >= w->loss_percent) {
        cell->row.is_answered = true;
    }
}

static int64_t visit(struct world *w, struct device *d, struct wall_time born,
                     struct mono_time *ret_again)
{
    int64_t sent = 0;
    *ret_again = COURIER_NEVER;
    for (int c = 0; c < COMMANDS; c++) {
        struct cell *cell = &w->cells[d - w->devices][c];
        struct wall_time due = {0};
        if (!cell->exists || !cell->is_open) {
            continue;
        }
        if (sent == SENT_AT_ONCE) {
            *ret_again = mono(w);
            return sent;
        }
        enum courier_verdict verdict = courier_judge(&cell->row, born, wall(w), &due);
        if (verdict == COURIER_CLOSE) {
            assert_true(cell->row.is_answered || cell->row.expires.ns <= wall(w).ns);
            cell->is_open = false;
            continue;
        }
        if (verdict == COURIER_SEND) {
            send_one(w, d, cell);
            sent++;
            if (cell->row.is_answered ||
                courier_judge(&cell->row, born, wall(w), &due) != COURIER_WAIT) {
                due.ns = wall(w).ns + 30 * NS_PER_SEC;
            }
        }
        int64_t at = mono(w).ns + (due.ns - wall(w).ns);
        assert_true(at > mono(w).ns);
        ret_again->ns = at < ret_again->ns ? at : ret_again->ns;
    }
    return sent;
}

static void check_rate(struct world *w, int64_t sent)
{
    if (w->now_ns / NS_PER_SEC != w->second) {
        w->second = w->now_ns / NS_PER_SEC;
        w->sent_in_second = 0;
    }
    w->sent_in_second += sent;
    /* a look may send all of its burst although less was left */
    assert_true(w->sent_in_second <= PER_S + PER_S / 10 + SENT_AT_ONCE);
}

static void run_for(struct world *w, int64_t span_ns)
{
    int64_t end = w->now_ns + span_ns;
    for (;;) {
        struct str name;
        struct wall_time born;
        while (courier_next(w->courier, mono(w), &name, &born)) {
            struct device *d = device_of(w, name);
            struct mono_time again;
            assert_true(d->is_online);
            int64_t sent = visit(w, d, born, &again);
            check_rate(w, sent);
            courier_looked(w->courier, name, sent, mono(w), again);
        }
        int64_t due = courier_due(w->courier).ns;
        if (due > end) {
            w->now_ns = end;
            return;
        }
        assert_true(due > w->now_ns); /* else it would spin */
        w->now_ns = due;
    }
}

static void restart_hub(struct world *w)
{
    courier_close(w->courier);
    w->courier = new_courier();
    w->sent_in_second = 0;
    for (int d = 0; d < DEVICES; d++) {
        if (w->devices[d].is_online) {
            be_born(w, &w->devices[d]); /* another hub instance: they say it again */
        }
    }
}

static void all_are_born(struct world *w)
{
    for (int d = 0; d < DEVICES; d++) {
        be_born(w, &w->devices[d]);
    }
}

static int64_t received(const struct world *w, int command)
{
    int64_t count = 0;
    for (int d = 0; d < DEVICES; d++) {
        count += w->cells[d][command].is_received ? 1 : 0;
    }
    return count;
}

/* --- one thing at a time ---------------------------------------------------------------------- */

static void what_is_given_goes_out_at_once_and_once(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 1, 0);
    all_are_born(&w);
    run_for(&w, NS_PER_SEC);
    give(&w, 0, HOUR_NS);
    run_for(&w, 2 * NS_PER_SEC);
    assert_int_equal(received(&w, 0), DEVICES);
    run_for(&w, 24 * HOUR_NS);
    assert_int_equal(w.sent, DEVICES);
    assert_int_equal(courier_due(w.courier).ns, COURIER_NEVER.ns); /* an idle hub sleeps */
    courier_close(w.courier);
}

static void who_is_away_gets_it_when_it_comes(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 2, 0);
    give(&w, 0, 100 * HOUR_NS);
    run_for(&w, 50 * HOUR_NS);
    assert_int_equal(w.sent, 0);
    be_born(&w, &w.devices[7]);
    run_for(&w, NS_PER_SEC);
    assert_int_equal(w.sent, 1);
    assert_true(w.cells[7][0].is_received);
    courier_close(w.courier);
}

static void what_is_lost_is_sent_again_more_and_more_rarely(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 3, 0);
    w.devices[0].is_deaf = true;
    be_born(&w, &w.devices[0]);
    give(&w, 0, 100 * HOUR_NS);
    run_for(&w, 29 * NS_PER_SEC);
    assert_int_equal(w.sent, 1);
    run_for(&w, 2 * NS_PER_SEC);
    assert_int_equal(w.sent, 2);
    run_for(&w, HOUR_NS);
    assert_in_range(w.sent, 6, 9); /* 30 s, 1, 2, 4, 8, 16, 16, 16 min */
    be_born(&w, &w.devices[0]);
    run_for(&w, NS_PER_SEC);
    assert_in_range(w.sent, 7, 10); /* a birth asks at once */
    w.devices[0].is_deaf = false;
    run_for(&w, 17 * 60 * NS_PER_SEC);
    assert_true(w.cells[0][0].is_received);
    int64_t sent = w.sent;
    run_for(&w, 50 * HOUR_NS);
    assert_int_equal(w.sent, sent);
    courier_close(w.courier);
}

static void what_expired_is_never_sent(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 4, 0);
    give(&w, 0, HOUR_NS);
    run_for(&w, HOUR_NS);
    all_are_born(&w);
    run_for(&w, HOUR_NS);
    assert_int_equal(w.sent, 0);
    assert_false(w.cells[0][0].is_open);
    courier_close(w.courier);
}

static void a_restarted_hub_goes_on(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 5, 0);
    all_are_born(&w);
    for (int c = 0; c < COMMANDS; c++) {
        give(&w, c, HOUR_NS);
    }
    run_for(&w, 3 * NS_PER_SEC); /* 1,200 are wanted at 50 a second */
    assert_in_range(w.sent, 140, 190);
    restart_hub(&w);
    run_for(&w, 60 * NS_PER_SEC);
    for (int c = 0; c < COMMANDS; c++) {
        assert_int_equal(received(&w, c), DEVICES);
    }
    assert_int_equal(w.sent, DEVICES * COMMANDS);
    courier_close(w.courier);
}

static void a_device_with_many_does_not_hold_up_the_others(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 6, 0);
    be_born(&w, &w.devices[0]);
    for (int c = 0; c < COMMANDS; c++) {
        w.cells[0][c] = (struct cell){.exists = true, .is_open = true};
        w.cells[0][c].row.expires.ns = wall(&w).ns + HOUR_NS;
    }
    be_born(&w, &w.devices[1]);
    w.cells[1][0] = w.cells[0][0];
    run_for(&w, 230 * NS_PER_MS);
    assert_true(w.cells[1][0].is_received);
    assert_false(w.cells[0][COMMANDS - 1].is_received);
    courier_close(w.courier);
}

static void expiry_is_told_to_the_broker(void **state)
{
    (void)state;
    struct wall_time now = {INT64_C(1795000000) * NS_PER_SEC};
    assert_int_equal(courier_expiry_s((struct wall_time){now.ns + 1}, now), 1);
    assert_int_equal(courier_expiry_s((struct wall_time){now.ns - 5}, now), 1);
    assert_int_equal(courier_expiry_s((struct wall_time){now.ns + 90 * NS_PER_SEC}, now), 90);
    assert_int_equal(courier_expiry_s((struct wall_time){INT64_MAX}, (struct wall_time){0}),
                     UINT32_MAX - 1);
}

static void a_clock_that_stepped_back_delays_nothing(void **state)
{
    (void)state;
    struct courier_row row = {
        .sent = 3, .last_sent = {1000 * HOUR_NS}, .expires = {2000 * HOUR_NS}};
    struct wall_time due = {0};
    struct wall_time born = {1};
    assert_int_equal(courier_judge(&row, born, (struct wall_time){500 * HOUR_NS}, &due),
                     COURIER_SEND);
    assert_int_equal(courier_judge(&row, born, (struct wall_time){1000 * HOUR_NS + 1}, &due),
                     COURIER_WAIT);
}

/* --- everything at once ----------------------------------------------------------------------- */

static void stir(struct world *w)
{
    struct device *d = &w->devices[dice(w, DEVICES)];
    switch (dice(w, 6)) {
    case 0:
        restart_hub(w);
        break;
    case 1:
    case 2:
        d->is_online = false;
        courier_died(w->courier, str_from(d->name));
        break;
    case 3:
        d->is_deaf = !d->is_deaf;
        break;
    default:
        be_born(w, d);
    }
}

static void everything_arrives_whatever_happens(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world w;
        world_open(&w, seed, 30);
        for (int c = 0; c < COMMANDS; c++) {
            give(&w, c, (c % 3 == 0 ? 1 : 1000) * HOUR_NS);
            for (uint64_t i = dice(&w, 20); i > 0; i--) {
                stir(&w);
                run_for(&w, (int64_t)dice(&w, 300) * NS_PER_SEC);
            }
        }
        for (int d = 0; d < DEVICES; d++) {
            w.devices[d].is_deaf = false;
        }
        all_are_born(&w);
        run_for(&w, 24 * HOUR_NS);
        for (int c = 0; c < COMMANDS; c++) {
            for (int d = 0; d < DEVICES; d++) {
                struct cell *cell = &w.cells[d][c];
                bool is_late = cell->is_received && cell->received_at.ns >= cell->row.expires.ns;
                assert_false(is_late);
                assert_true(cell->is_received || c % 3 == 0);
                assert_false(cell->is_open && cell->row.is_answered);
            }
        }
        courier_close(w.courier);
    }
}

/* --- waves ------------------------------------------------------------------------------------ */

static void waves_have_room_and_an_end(void **state)
{
    (void)state;
    char text[200];
    struct buf why = buf_fixed(text, sizeof(text));
    struct wave w = {.devices = 200, .at_once = 5, .abort_percent = 2, .patience_ns = HOUR_NS};
    assert_int_equal(wave_room(&w), 5);
    w.working = 4;
    assert_int_equal(wave_room(&w), 1);
    w.working = 7; /* the operator said less than before */
    assert_int_equal(wave_room(&w), 0);
    w.failed = 3;
    w.overdue = 1;
    assert_false(wave_is_hopeless(&w, &why)); /* 4 of 200 are not more than 2 % */
    w.overdue = 2;
    assert_true(wave_is_hopeless(&w, &why));
    assert_string_equal(buf_cstr(&why), "5 of 200 devices failed, more than 2 %");
    buf_reset(&why);
    w.abort_percent = 0;
    assert_false(wave_is_hopeless(&w, &why));
    w.abort_failed = 4;
    assert_true(wave_is_hopeless(&w, &why));
    assert_string_equal(buf_cstr(&why), "5 of 200 devices failed, more than 4");
    struct wall_time since = {HOUR_NS};
    assert_false(wave_is_overdue(&w, since, (struct wall_time){2 * HOUR_NS - 1}));
    assert_true(wave_is_overdue(&w, since, (struct wall_time){2 * HOUR_NS}));
    w.patience_ns = 0;
    assert_false(wave_is_overdue(&w, since, (struct wall_time){20 * HOUR_NS}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_goes_out_at_once_and_once),
        cmocka_unit_test(who_is_away_gets_it_when_it_comes),
        cmocka_unit_test(what_is_lost_is_sent_again_more_and_more_rarely),
        cmocka_unit_test(what_expired_is_never_sent),
        cmocka_unit_test(a_restarted_hub_goes_on),
        cmocka_unit_test(a_device_with_many_does_not_hold_up_the_others),
        cmocka_unit_test(expiry_is_told_to_the_broker),
        cmocka_unit_test(a_clock_that_stepped_back_delays_nothing),
        cmocka_unit_test(everything_arrives_whatever_happens),
        cmocka_unit_test(waves_have_room_and_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
