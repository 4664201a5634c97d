/* meltano_fixture.h - Meltano projects out of memory, and variables of a terminal. */
#pragma once
#include "agent/meltano/meltano.h"
#include "tests/support/cmocka_all.h"

struct meltano_file { /* of a list that ends with a NULL path; paths begin with "p/" */
    const char *path;
    const char *text;
};

struct meltano_world {
    struct arena arena; /* of reports and answers */
    struct meltano_report report;
    struct meltano_project *project;
    struct meltano_context context;
    struct meltano_terminal terminal;
    const struct meltano_variable *variables; /* of the terminal; ends with an empty name */
    struct err err;
};

/* p/meltano.yml and what lies beside it. */
bool world_load(struct meltano_world *w, const struct meltano_file *files);
/* The same, and it must work; in that environment ("" for none). */
void world_open(struct meltano_world *w, const struct meltano_file *files, const char *environment);
void world_open_text(struct meltano_world *w, const char *meltano_yml, const char *environment);
/* A folder of the disk. False: it is not there. */
bool world_open_folder(struct meltano_world *w, const char *folder, const char *environment);
void world_close(struct meltano_world *w);

struct meltano_setup world_set_up(struct meltano_world *w, const char *plugin);
/* A value as compact JSON; "-" for none. */
const char *world_value(struct meltano_world *w, const struct meltano_setup *setup,
                        const char *name);
const char *world_config(struct meltano_world *w, const struct meltano_setup *setup);
const char *world_shown(struct meltano_world *w, const struct meltano_setup *setup);
/* A variable of the process; "-" when it has none. */
const char *world_variable(struct meltano_world *w, const struct meltano_setup *setup,
                           const char *name);
/* Whether one of the problems is "file:line: text..."; the texts of all when not. */
void assert_warned(const struct meltano_world *w, const char *wanted);
void assert_refused(const struct meltano_world *w, const char *wanted);
