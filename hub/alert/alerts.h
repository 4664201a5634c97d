/* alerts.h - which troubles somebody is told of, and when: DESIGN: one alert for one thing that a
 * person can do something about. A device's troubles of one kind are one alert, whatever their
 * number; when most devices of a group (a site) have it, the group has it and its devices are
 * silent. A device that is away explains what is late on it. Pure: time and rows come in, what to
 * write and whom to tell comes out.
 *
 *   pending --(still there after wait_ns)--> firing --(gone)--> resolved
 *      |                                        '--(every repeat_ns)--> told again
 *      '--(gone, or its group has it)--> dropped without a word */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/time.h"

enum alert_kind {
    ALERT_AWAY,        /* not connected for longer than it may be */
    ALERT_FAILING,     /* the last attempt to make an asset failed */
    ALERT_LATE,        /* an asset is not as fresh as its policy asks */
    ALERT_BUFFER,      /* events that wait near the device's quota */
    ALERT_DISK,        /* the device's disk is nearly full */
    ALERT_CERTIFICATE, /* near its end */
    ALERT_DEFINITIONS, /* the device refuses the definitions that it has */
    ALERT_LOST,        /* events were given up */
    ALERT_CLOCK,       /* not set, or far from the hub's */
    ALERT_KIND_COUNT
};
const char *alert_kind_name(enum alert_kind kind); /* "away" */
bool alert_kind_from(struct str name, enum alert_kind *ret);

struct alert_condition { /* one trouble, now */
    enum alert_kind kind;
    struct str device;
    struct str group;  /* the value of the label that groups; may be empty */
    struct str detail; /* one harmless line: the asset and why, "last seen 3 h ago" */
};
struct alert_group {
    struct str name;
    int64_t devices; /* that have it as label */
};
struct alert_row { /* an open alert, as it is kept */
    int64_t id;
    enum alert_kind kind;
    bool is_group;
    struct str subject; /* the device, or the group */
    struct wall_time opened;
    struct wall_time told;     /* 0: nobody was told yet */
    int64_t devices, troubles; /* at the last look */
};
struct alert_rules {
    int64_t wait_ns;   /* a trouble that goes by itself is none; others of its group may follow */
    int64_t repeat_ns; /* 0 = told once */
    int64_t group_devices; /* so many devices of a group, and half of it, are the group's alert */
};

enum alert_change_type {
    ALERT_OPEN,    /* a new row, told to nobody */
    ALERT_KEEP,    /* the row with its new counts */
    ALERT_FIRE,    /* the same, and somebody is told */
    ALERT_RESOLVE, /* gone, or its group has it now: whoever was told of it is told */
    ALERT_DROP,    /* gone before anybody knew */
};
struct alert_change {
    enum alert_change_type type;
    struct alert_row row; /* `told` is now for ALERT_FIRE */
    struct str detail;    /* of the first trouble, in the order of devices */
};
struct alert_look {                           /* how things are */
    const struct alert_condition *conditions; /* in any order; without those that are silenced */
    size_t condition_count;
    const struct alert_group *groups;
    size_t group_count;
    const struct alert_row *open;
    size_t open_count;
    struct wall_time now;
};
/* Changes live in `arena`, texts are those of the look: one change for each alert that is open or
 * opens. */
MUST_CHECK bool alerts_step(const struct alert_rules *rules, const struct alert_look *look,
                            struct arena *arena, struct alert_change **ret, size_t *ret_count,
                            struct err *err);
