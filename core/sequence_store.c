#include "core/sequence_store.h"

#include <pthread.h>

#include "core/base/store.h"
#include "proto/base/log.h"

/* An hour of one-second segments: a write now and then, and not much of a hole after a crash. */
#define CHUNK 3600

struct SequenceStore {
        pthread_mutex_t lock; /* guards both */
        Store *store;
        GHashTable *reserved; /* channel id -> int64_t *, first sequence that is not ours yet */
};

SequenceStore *sequence_store_new(const char *store_path, GError **error) {
        Store *store = store_open(store_path, error);
        if (!store)
                return NULL;
        SequenceStore *sequences = g_new0(SequenceStore, 1);
        sequences->store = store;
        sequences->reserved = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        pthread_mutex_init(&sequences->lock, NULL);
        return sequences;
}

void sequence_store_free(SequenceStore *sequences) {
        if (!sequences)
                return;
        store_close(sequences->store);
        g_hash_table_unref(sequences->reserved);
        pthread_mutex_destroy(&sequences->lock);
        g_free(sequences);
}

/* Call with the lock held. */
static void reserve_until(SequenceStore *sequences, const char *channel_id, int64_t sequence, int64_t discontinuity) {
        g_autoptr(GError) error = NULL;
        if (!store_run(
                    sequences->store, &error,
                    "INSERT INTO channel_sequence (channel_id, next_sequence, next_discontinuity) VALUES (?1, ?2, ?3) "
                    "ON CONFLICT (channel_id) DO UPDATE SET next_sequence = ?2, next_discontinuity = ?3",
                    "sii", channel_id, sequence, discontinuity))
                rv_error("channel.sequence_not_kept", RV_S("channel", channel_id), RV_S("error", error->message));
        int64_t *kept = g_new(int64_t, 1);
        *kept = sequence;
        g_hash_table_insert(sequences->reserved, g_strdup(channel_id), kept);
}

void sequence_store_reserve(void *user, const char *channel_id, int64_t *ret_first_sequence,
                            int64_t *ret_first_discontinuity) {
        SequenceStore *sequences = user;
        g_autoptr(GError) error = NULL;
        *ret_first_sequence = *ret_first_discontinuity = 0;
        pthread_mutex_lock(&sequences->lock);
        sqlite3_stmt *row =
                store_query(sequences->store, &error,
                            "SELECT next_sequence, next_discontinuity FROM channel_sequence WHERE channel_id = ?1", "s",
                            channel_id);
        if (row && store_row(sequences->store, row, &error)) {
                *ret_first_sequence = store_int(row, 0);
                *ret_first_discontinuity = store_int(row, 1);
                while (store_row(sequences->store, row, NULL)) /* to its end, so that no read stays open */
                        ;
        }
        if (error)
                rv_error("channel.sequence_unreadable", RV_S("channel", channel_id), RV_S("error", error->message));
        reserve_until(sequences, channel_id, *ret_first_sequence + CHUNK, *ret_first_discontinuity + 1);
        pthread_mutex_unlock(&sequences->lock);
}

void sequence_store_note(void *user, const char *channel_id, int64_t next_sequence, int64_t discontinuity) {
        SequenceStore *sequences = user;
        pthread_mutex_lock(&sequences->lock);
        const int64_t *reserved = g_hash_table_lookup(sequences->reserved, channel_id);
        if (!reserved || next_sequence + CHUNK / 10 >= *reserved)
                reserve_until(sequences, channel_id, next_sequence + CHUNK, discontinuity + 1);
        pthread_mutex_unlock(&sequences->lock);
}
