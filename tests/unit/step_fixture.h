/* step_fixture.h - a real child of a step with all it needs: a folder, a loop, a store, a host. */
#pragma once
#include "agent/run/step_process.h"
#include "store_fixture.h"
#include "tests/support/fake_cgroup.h"
#include "tests/support/temp_dir.h"

enum { STEP_FIXTURE_TEXT = 400, STEP_FIXTURE_WAIT_MS = 20000 };

struct step_fixture {
    struct temp_dir dir;
    struct fake_cgroup fake;
    struct loop *loop;
    struct store_fixture fixture;
    struct rng rng;
    struct step_host *host;
    struct step_process *process;
    struct step_process_options options;
    char variable[STEP_FIXTURE_TEXT];
    const char *env[3];
    int ends;
    struct step_result result; /* its texts as copies below */
    char error_code[STEP_FIXTURE_TEXT];
    char error_message[STEP_FIXTURE_TEXT];
    char error_hint[STEP_FIXTURE_TEXT];
    char first_line[STEP_FIXTURE_TEXT];
    char metadata[STEP_FIXTURE_TEXT];
    char said_first[STEP_FIXTURE_TEXT]; /* name of the first check */
};

/* A host without control groups, helper SELVEDGE_EXEC. The fixture must not move. */
void step_fixture_begin(struct step_fixture *f);
void step_fixture_end(struct step_fixture *f);
/* Another host instead of the present one, which the caller closed. */
void step_fixture_open_host(struct step_fixture *f, const char *helper, struct str cgroup);
/* Starts a shell in the folder; what comes back is in the fixture when the step has ended. */
void step_fixture_start(struct step_fixture *f, const char *script);
void step_fixture_wait(struct step_fixture *f);
void step_fixture_run(struct step_fixture *f, const char *script); /* both */
/* The number that a script wrote into a file of the folder; waits until it is there, turning. */
pid_t step_fixture_pid(struct step_fixture *f, const char *name);
bool step_fixture_is_alive(pid_t pid);
/* `code` NULL: it succeeded. */
void step_fixture_expect(const struct step_fixture *f, const char *code, const char *message_part);
/* A real control group (v2) of this test's own, below the root: the caller removes it. False: this
 * host does not let us make one. */
bool step_fixture_real_cgroup(char path[LIMIT_PATH_BYTES + 1]);
