/*
 * Sequence store: media and discontinuity sequence of each channel over restarts of core, so that both only ever rise
 * (RFC 8216, 6.2.2). Numbers are reserved ahead in the database, a chunk at a time: a crash skips some, none comes
 * twice. Any thread.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct SequenceStore SequenceStore;

SequenceStore *sequence_store_new(const char *store_path, GError **error);
void sequence_store_free(SequenceStore *store);

/* The first numbers this run of core may use for the channel. user is the SequenceStore. */
void sequence_store_reserve(void *user, const char *channel_id, int64_t *ret_first_sequence,
                            int64_t *ret_first_discontinuity);
/* The numbers the next segment will have: reserves further when they come near the end of the chunk. */
void sequence_store_note(void *user, const char *channel_id, int64_t next_sequence, int64_t discontinuity);
