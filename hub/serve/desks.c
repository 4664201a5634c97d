#include "hub/serve/desks.h"

#include "hub/alert/desk.h"
#include "hub/clones/desk.h"
#include "hub/command/command_desk.h"
#include "hub/delivery/desk.h"
#include "hub/deploy/deploy.h"
#include "hub/desired/desired_desk.h"
#include "hub/identity/desk.h"
#include "hub/outside/desk.h"
#include "hub/pool/desk.h"

#include <stdlib.h>

/* clang-format off */
static const struct desk *const all[] = {
    &alert_desk,
    &clones_desk,
    &command_desk,
    &delivery_desk,
    &deploy_desk,
    &desired_desk,
    &identity_desk,
    &outside_desk,
    &pool_desk,
    NULL,
};
/* clang-format on */
enum { DESKS = COUNT_OF(all) - 1 };

struct desks {
    void *of[DESKS + 1];
};

bool desks_open(struct desks **ret, const struct desk_host *host, struct err *err)
{
    struct desks *desks = calloc(1, sizeof(*desks));
    if (desks == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the hub: out of memory");
    }
    for (size_t i = 0; all[i] != NULL; i++) {
        if (!all[i]->open(host, &desks->of[i], err)) {
            desks_close(desks);
            return err_wrap(err, "%s", all[i]->name);
        }
    }
    *ret = desks;
    return true;
}

void desks_close(struct desks *desks)
{
    for (size_t i = 0; desks != NULL && all[i] != NULL; i++) {
        if (desks->of[i] != NULL) {
            all[i]->close(desks->of[i]);
        }
    }
    free(desks);
}

/* What `member` of each desk is called with, beside the desk itself. */
#define EACH(member, ...)                                                                          \
    for (size_t i = 0; all[i] != NULL; i++) {                                                      \
        if (all[i]->member != NULL) {                                                              \
            all[i]->member(__VA_ARGS__);                                                           \
        }                                                                                          \
    }

void desks_online(struct desks *desks)
{
    EACH(online, desks->of[i])
}

void desks_born(struct desks *desks, struct str device, const struct message_birth *birth)
{
    EACH(born, desks->of[i], device, birth)
}

void desks_died(struct desks *desks, struct str device)
{
    EACH(died, desks->of[i], device)
}

void desks_heard(struct desks *desks, struct str device, const char *epoch)
{
    EACH(heard, desks->of[i], device, epoch)
}

void desks_take(struct desks *desks, struct str device, enum channel channel, struct str payload,
                struct arena *arena)
{
    EACH(take, desks->of[i], device, channel, payload, arena)
}

void desks_merged(struct desks *desks)
{
    EACH(merged, desks->of[i])
}

void desks_poked(struct desks *desks)
{
    EACH(poked, desks->of[i])
}

void desks_room(struct desks *desks)
{
    EACH(room, desks->of[i])
}
