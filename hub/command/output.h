/* output.h - text that devices send because a command asked for it (channel `log`): captured output,
 * a description. Kept as the pieces came, below STATE/output/<command>/<device>/, so that order and
 * repeats do not matter and a restart loses nothing. The oldest commands' output gives way. */
#pragma once
#include "common/base/arena.h"
#include "common/wire/command.h"
#include "hub/command/orders.h"
#include "hub/config/config.h"

enum {
    OUTPUT_PIECES_MAX = 512,      /* of one command from one device */
    OUTPUT_BYTES_MAX = 256 << 20, /* of all together, on disk */
};

struct output;
MUST_CHECK bool output_open(struct output **ret, const struct hub_config *config, struct err *err);
void output_close(struct output *output); /* NULL is allowed */
/* One message of a device. ERR_DENIED when this device was not asked for it, ERR_FULL when it sends
 * more than it may. Blocks for a commit and two syncs. */
MUST_CHECK bool output_take(struct output *output, struct orders *orders, struct str device,
                            struct str payload, struct arena *arena, struct err *err);

/* What is there of one command from one device, in order. `on_piece` gets each piece that follows on
 * the one before it, a text at a time. *ret_is_whole: the last came, and nothing is missing before
 * it. For command lines, too. */
MUST_CHECK bool output_each(const struct hub_config *config, struct str command, struct str device,
                            void (*on_piece)(void *ctx, const struct command_piece *piece),
                            void *ctx, bool *ret_is_whole, struct err *err);
