/* sample.h - how much of everything that could be tried a test tries: a sample, or with SELVEDGE_LONG
 * in the environment (./dev test --long) more of it. */
#pragma once

int sample_stride(int usual, int with_long);
