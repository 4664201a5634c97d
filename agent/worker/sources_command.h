/* sources_command.h - `selvedge-el sources`: how fresh the sources of a dbt project are, and nothing
 * made. */
#pragma once

/* The step, as `selvedge-el step` takes it, is read from `stdin_fd`; sources.json is written to
 * `stdout_fd`. Returns the exit code: 0; 1 failed; 2 the step is not understood; what is wrong is then
 * on descriptor 3 and in the log, as of a step. */
int sources_command_run(int stdin_fd, int stdout_fd);
