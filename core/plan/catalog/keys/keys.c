#include "core/plan/catalog/keys/keys.h"

#define LOW_BITS 7
#define LOW_MASK 0x7F
#define MORE 0x80
#define MAX_BITS 56

uint8_t *keys_pack(const int64_t *times_ms, uint32_t n, size_t *ret_size) {
        GByteArray *bytes = g_byte_array_new();
        int64_t before_ms = 0;
        for (uint32_t i = 0; i < MIN(n, KEYS_MAX); i++) {
                if (times_ms[i] < before_ms)
                        continue;
                uint64_t step = (uint64_t)(times_ms[i] - before_ms);
                before_ms = times_ms[i];
                do {
                        const uint8_t byte = (uint8_t)((step & LOW_MASK) | (step > LOW_MASK ? MORE : 0));
                        g_byte_array_append(bytes, &byte, 1);
                        step >>= LOW_BITS;
                } while (step > 0);
        }
        *ret_size = bytes->len;
        return g_byte_array_free(bytes, FALSE);
}

/* False: what follows is cut off, or no time. */
static bool read_step(const uint8_t **at, const uint8_t *end, int64_t *ret_step) {
        uint64_t step = 0;
        for (unsigned shift = 0; *at < end && shift < MAX_BITS; shift += LOW_BITS) {
                const uint8_t byte = *(*at)++;
                step |= (uint64_t)(byte & LOW_MASK) << shift;
                if (!(byte & MORE)) {
                        *ret_step = (int64_t)step;
                        return true;
                }
        }
        return false;
}

int64_t keys_before(const uint8_t *packed, size_t size, int64_t at_ms) {
        const uint8_t *end = packed + size;
        int64_t time_ms = 0, found_ms = -1, step_ms;
        while (read_step(&packed, end, &step_ms) && step_ms <= at_ms - time_ms)
                found_ms = time_ms += step_ms;
        return found_ms;
}
