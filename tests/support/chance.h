/* Random values for property tests: every run differs, and any run can be had again. */
#pragma once

#include <glib.h>

/* Prints its seed; RETROVUE_TEST_SEED in the environment gives it. Free with g_rand_free. */
GRand *chance_new(void);
/* Uniform in the number of bits, so that small and huge values are equally likely; either sign. */
gint64 chance_int64(GRand *rand);
/* 0 to max_size bytes, none of them 0, seldom UTF-8. Free with g_free. */
char *chance_bytes(GRand *rand, int max_size);
