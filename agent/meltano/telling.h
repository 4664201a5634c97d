/* telling.h - one telling of a project while it lasts. Internal to agent/meltano. */
#pragma once
#include "agent/meltano/service.h"

enum { TELL_BYTES_MAX = 64 << 20, PLACE_SIZE = 300 };

struct telling {
    const struct meltano_telling *what;
    struct problems *warnings;
    struct arena arena; /* of one plugin or job */
    bool is_failed;     /* it needs more memory than it may have */
};
struct telling tell_begin(const struct meltano_telling *what);
void tell_next(struct telling *t); /* the arena begins anew */
bool tell_end(struct telling *t, const struct buf *out, struct err *err);

bool tell_set_up(struct telling *t, const struct meltano_plugin *plugin,
                 const struct meltano_setup *before, struct problems *problems,
                 struct meltano_setup *ret);
/* "meltano.yml:12"; empty when it is not known. */
struct str tell_place(const struct telling *t, struct location at, char text[PLACE_SIZE]);
/* Warns of a job that Meltano would not run. */
void tell_check_job(struct telling *t, const struct meltano_job *job);
