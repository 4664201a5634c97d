/* state_command.h - `selvedge-el state`: the states that a target keeps of a step's load, shown or
 * changed without a load. */
#pragma once

/* The step, as `selvedge-el step` takes it, is read from `stdin_fd`; with a member "state" that
 * becomes the present state, null: none. Writes {"state_id", "has_present", "states": [{"at",
 * "value"}, ...]} to `stdout_fd`, newest first. Returns the exit code: 0; 1 failed; 2 the step is
 * not understood; what is wrong is then on descriptor 3 and in the log, as of a step. */
int state_command_run(int stdin_fd, int stdout_fd);
