#include "tests/support/chance.h"

#include <stdio.h>

GRand *chance_new(void) {
        const char *given = g_getenv("RETROVUE_TEST_SEED");
        const guint32 seed = given ? (guint32)g_ascii_strtoull(given, NULL, 10) : g_random_int();
        printf("RETROVUE_TEST_SEED=%u\n", seed);
        return g_rand_new_with_seed(seed);
}

gint64 chance_int64(GRand *rand) {
        const guint64 bits = (guint64)g_rand_int(rand) << 32 | g_rand_int(rand);
        const gint64 magnitude = (gint64)(bits >> g_rand_int_range(rand, 1, 64));
        return g_rand_boolean(rand) ? magnitude : -magnitude;
}

char *chance_bytes(GRand *rand, int max_size) {
        const gint32 size = g_rand_int_range(rand, 0, max_size + 1);
        char *bytes = g_malloc((gsize)size + 1);
        for (gint32 i = 0; i < size; i++)
                bytes[i] = (char)g_rand_int_range(rand, 1, 256);
        bytes[size] = '\0';
        return bytes;
}
