/* command_file.h - a command that was signed elsewhere, brought to the hub as a file: checked against the
 * keys that are trusted, which are on the hub's machine. */
#pragma once
#include "common/base/buf.h"
#include "common/cli/cli.h"

/* Takes --file for the hub on this machine; `ret` is the JSON that the API answers when it has signed one.
 * On false the error was said and *ret_exit is the exit code. */
MUST_CHECK bool command_file_take(struct cli *cli, struct buf *ret, int *ret_exit);
