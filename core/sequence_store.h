/*
 * Sequence store: media and discontinuity sequence of each channel over restarts of core, so that both only ever rise
 * (RFC 8216, 6.2.2). Numbers are reserved ahead in the database, a chunk at a time: a crash skips some, none comes
 * twice. Any thread; nobody waits for the database but who opens: reservations are written by the clerk.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "core/clerk.h"

typedef struct SequenceStore SequenceStore;

/* clerk outlives the store, or is freed right before it. */
SequenceStore *sequence_store_new(const char *store_path, Clerk *clerk, GError **error);
/* After the clerk has done what it was asked for. NULL is allowed. */
void sequence_store_free(SequenceStore *store);

/* The first numbers this run of core may use for the channel; others with each call. user is the SequenceStore. */
void sequence_store_reserve(void *user, const char *channel_id, int64_t *ret_first_sequence,
                            int64_t *ret_first_discontinuity);
/* The numbers the next segment will have: reserves further when they come near the end of a chunk. */
void sequence_store_note(void *user, const char *channel_id, int64_t next_sequence, int64_t discontinuity);
