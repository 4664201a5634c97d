/* singer_tap.h - `selvedge-el tap NAME`: a native tap as a Singer program, that any Singer pipeline
 * can use. */
#pragma once
struct cli;

/* The command's run function; exit codes as main.c states them. */
int singer_tap_run(struct cli *cli, void *ctx);
