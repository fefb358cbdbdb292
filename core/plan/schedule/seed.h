/* Random draws that every process makes alike: a hash of what the draw is for, and no state. For planning only. */
#pragma once

#include <stdint.h>

/* SplitMix64's finaliser: every bit of the input moves half of the bits of the output. */
static inline uint64_t seed_finish(uint64_t x) {
        x += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

/* Folds a text (NULL = empty) into a seed: FNV-1a. */
static inline uint64_t seed_mix(uint64_t seed, const char *text) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
        for (const char *p = text; p && *p; p++)
                hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
        return seed_finish(hash);
}

static inline uint64_t seed_mix_int(uint64_t seed, int64_t number) {
        return seed_finish(seed ^ seed_finish((uint64_t)number));
}
