/*
 * Signals: the packets by which a stream tells what it is, what is on, and where breaks begin and end. They are made
 * behind pictures: what is told behind picture n follows from n and from what has been announced, not from any clock.
 *
 * The control loop announces, the multiplexer's thread takes; a mutex guards what was announced and is never held
 * across I/O. The tick thread has nothing to do with it.
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "air/output/output.h"

typedef struct Signals Signals;

/* splice_pid: 0 = no splice messages. Name and wishes are copied. */
Signals *signals_new(const HouseFormat *format, const HouseStyle *style, int64_t epoch_utc_ms, int splice_pid);
void signals_free(Signals *signals);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Signals, signals_free)

/* Control loop: as output_announce. */
void signals_announce(Signals *signals, const OutputOutlook *outlook);

/* The multiplexer's thread, once behind each picture in the order of ticks: whole packets, to be freed with g_free;
 * NULL when there is nothing to tell. */
uint8_t *signals_behind(Signals *signals, int64_t tick, size_t *ret_size);
