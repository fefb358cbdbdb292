/* SHA-256 (FIPS 180-4) as 64 lower-case hex digits. Any thread. */
#pragma once

#include <stddef.h>

#define RV_SHA256_HEX_SIZE 65

void rv_sha256_hex(const void *data, size_t size, char ret_hex[RV_SHA256_HEX_SIZE]);
