/*
 * Splice messages (ANSI/SCTE 35): what an inserter down the line is told of breaks, by splice_insert, and of
 * programmes, by time_signal with a segmentation descriptor. Not encrypted. A pure function, any thread.
 */
#pragma once

#include <stdint.h>

#include "air/output/signals/section.h"

typedef enum {
        SPLICE_OUT, /* a break begins: the stream may be left for duration, and is returned to by itself */
        SPLICE_IN,  /* it ends */
        SPLICE_PROGRAMME_START,
        SPLICE_PROGRAMME_END,
} SpliceKind;

#define SPLICE_AT_ONCE INT64_C(-1)

typedef struct {
        SpliceKind kind;
        uint32_t event_id;      /* of an end the same as of its beginning */
        int64_t pts;            /* 33 bits at 90 kHz, or SPLICE_AT_ONCE */
        int64_t duration_90khz; /* of beginnings, below 2^33 */
} SpliceMessage;

void splice_section(Section *ret_section, const SpliceMessage *message);
