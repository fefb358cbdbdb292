/* What a file is known by when its name has changed. Any thread; reads at most 192 KiB. */
#pragma once

#include <stdint.h>

/* SHA-256, in hex, of the size and of the first, middle and last 64 KiB. NULL: it cannot be read, or is not of that
 * size. g_free it. */
char *fingerprint_of(const char *path, int64_t size);
