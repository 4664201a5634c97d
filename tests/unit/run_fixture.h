/* run_fixture.h - one run under test, and what it should do next. */
#pragma once
#include "agent/run/run.h"

extern struct run run;
extern struct mono_time now;

/* For cmocka's setup and teardown. */
int run_fixture_begin(const struct definitions *defs, const struct plan *plan);
int run_fixture_end(void **state);

void expect_start(uint32_t step);
void expect_none(void);
/* `because`: the asset that was not made. */
void expect_skip(uint32_t step, uint32_t because);
void expect_no_skip(void);
