/* A splice_info_section (ANSI/SCTE 35) as far as a break is told by it. A pure function, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
        bool out;
        uint32_t event_id;
        int64_t pts;            /* 33 bits; -1 = at once */
        int64_t duration_90khz; /* -1 = not said */
} SpliceInsert;

/* False for anything but a whole, clear splice_insert of the whole programme, not cancelled, with a right CRC. */
bool splice_insert_read(const uint8_t *section, size_t size, SpliceInsert *ret_insert);
