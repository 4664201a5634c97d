/* clones.h - two hosts that use the identity of one device: a card that was copied, an image that runs
 * twice. Pure.
 *
 * A host is told by the boot id and the epoch of its births. A device that reboots or begins a new
 * epoch is another host from then on, and the one before never speaks again. When one that was
 * replaced does speak again, and this repeats, there are two. Messages that overtake each other within
 * seconds, and a database put back once by hand, are no proof: CLONE_TURNS turns, CLONE_TURN_S apart,
 * within a day are. */
#pragma once
#include "common/wire/batch.h"
#include "common/wire/messages.h"

enum { CLONE_TURNS = 3, CLONE_TURN_S = 10, CLONE_HOSTS = 4 /* remembered of a device */ };

struct clones;
/* Of at most `max_bytes`; then all is forgotten, and found anew. NULL: no memory. */
MUST_CHECK struct clones *clones_new(size_t max_bytes);
void clones_free(struct clones *c); /* NULL is allowed */

struct clone_pair {
    char older[EPOCH_TEXT_SIZE];
    char newer[EPOCH_TEXT_SIZE];             /* equal to `older`: both tell the same database */
    struct wall_time older_seen, newer_seen; /* first */
};
/* True when this birth, or a batch of this epoch, shows that there are two; then counting begins
 * anew. */
bool clones_born(struct clones *c, struct str device, const struct message_birth *birth,
                 struct wall_time now, struct clone_pair *ret);
bool clones_heard(struct clones *c, struct str device, const char *epoch, struct wall_time now,
                  struct clone_pair *ret);
