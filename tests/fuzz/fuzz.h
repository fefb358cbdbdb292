/* What every fuzz target defines: any bytes at all must do no harm. Always 0. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
