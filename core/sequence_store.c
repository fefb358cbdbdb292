#include "core/sequence_store.h"

#include <pthread.h>

#include "core/base/store.h"
#include "proto/base/log.h"

/* An hour of one-second segments, and more sessions than begin in it: a write now and then, and not much of a hole
 * after a crash. */
#define CHUNK 3600
#define DISCONTINUITY_CHUNK 1000
/* So near to the end of a chunk the next one is reserved. */
#define MARGIN(chunk) ((chunk) / 10)

/* The first numbers that are not reserved yet. */
typedef struct {
        int64_t sequence, discontinuity;
} Bound;

struct SequenceStore {
        Clerk *clerk;
        Store *store; /* the clerk's thread only, once opened */

        pthread_mutex_t lock; /* guards: */
        GHashTable *bounds;   /* channel id -> Bound */
};

/* --- the database ------------------------------------------------------------------------------------------------ */

typedef struct {
        SequenceStore *sequences;
        char *channel_id;
        Bound bound;
} Reservation;

static void write_reservation(void *user) {
        Reservation *reservation = user;
        g_autoptr(GError) error = NULL;
        if (!store_run(
                    reservation->sequences->store, &error,
                    "INSERT INTO channel_sequence (channel_id, next_sequence, next_discontinuity) VALUES (?1, ?2, ?3) "
                    "ON CONFLICT (channel_id) DO UPDATE SET next_sequence = ?2, next_discontinuity = ?3",
                    "sii", reservation->channel_id, reservation->bound.sequence, reservation->bound.discontinuity))
                rv_error("channel.sequence_not_kept", RV_S("channel", reservation->channel_id),
                         RV_S("error", error->message));
        g_free(reservation->channel_id);
        g_free(reservation);
}

/* Every channel's next chunk at once, and what was the bound until now. In one transaction. */
static bool take_up(SequenceStore *sequences, GError **error) {
        Store *store = sequences->store;
        g_autoptr(GError) failure = NULL;
        if (!store_begin(store, error))
                return false;
        sqlite3_stmt *row = store_query(
                store, &failure, "SELECT channel_id, next_sequence, next_discontinuity FROM channel_sequence", "");
        while (row && store_row(store, row, &failure)) {
                Bound *bound = g_new(Bound, 1);
                *bound = (Bound){store_int(row, 1), store_int(row, 2)};
                g_hash_table_insert(sequences->bounds, g_strdup(store_text(row, 0)), bound);
        }
        if (!failure && store_run(store, &failure,
                                  "UPDATE channel_sequence SET next_sequence = next_sequence + ?, "
                                  "next_discontinuity = next_discontinuity + ?",
                                  "ii", (int64_t)CHUNK, (int64_t)DISCONTINUITY_CHUNK))
                return store_commit(store, error);
        store_rollback(store);
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
}

SequenceStore *sequence_store_new(const char *store_path, Clerk *clerk, GError **error) {
        SequenceStore *sequences = g_new0(SequenceStore, 1);
        sequences->clerk = clerk;
        sequences->bounds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        pthread_mutex_init(&sequences->lock, NULL);
        sequences->store = store_open(store_path, error);
        if (sequences->store && take_up(sequences, error))
                return sequences;
        sequence_store_free(sequences);
        return NULL;
}

void sequence_store_free(SequenceStore *sequences) {
        if (!sequences)
                return;
        store_close(sequences->store);
        g_hash_table_unref(sequences->bounds);
        pthread_mutex_destroy(&sequences->lock);
        g_free(sequences);
}

/* --- any thread -------------------------------------------------------------------------------------------------- */

/* With the lock held, so that reservations are asked for in the order in which they grow. */
static void reserve_until(SequenceStore *sequences, const char *channel_id, Bound *bound, int64_t sequence,
                          int64_t discontinuity) {
        *bound = (Bound){MAX(bound->sequence, sequence), MAX(bound->discontinuity, discontinuity)};
        Reservation *reservation = g_new(Reservation, 1);
        *reservation = (Reservation){sequences, g_strdup(channel_id), *bound};
        clerk_do(sequences->clerk, write_reservation, reservation);
}

static Bound *bound_of(SequenceStore *sequences, const char *channel_id) {
        Bound *bound = g_hash_table_lookup(sequences->bounds, channel_id);
        if (!bound) {
                bound = g_new0(Bound, 1);
                g_hash_table_insert(sequences->bounds, g_strdup(channel_id), bound);
        }
        return bound;
}

void sequence_store_reserve(void *user, const char *channel_id, int64_t *ret_first_sequence,
                            int64_t *ret_first_discontinuity) {
        SequenceStore *sequences = user;
        pthread_mutex_lock(&sequences->lock);
        Bound *bound = bound_of(sequences, channel_id);
        *ret_first_sequence = bound->sequence;
        *ret_first_discontinuity = bound->discontinuity;
        reserve_until(sequences, channel_id, bound, bound->sequence + CHUNK,
                      bound->discontinuity + DISCONTINUITY_CHUNK);
        pthread_mutex_unlock(&sequences->lock);
}

void sequence_store_note(void *user, const char *channel_id, int64_t next_sequence, int64_t discontinuity) {
        SequenceStore *sequences = user;
        pthread_mutex_lock(&sequences->lock);
        Bound *bound = bound_of(sequences, channel_id);
        if (next_sequence + MARGIN(CHUNK) >= bound->sequence ||
            discontinuity + MARGIN(DISCONTINUITY_CHUNK) >= bound->discontinuity)
                reserve_until(sequences, channel_id, bound, next_sequence + CHUNK, discontinuity + DISCONTINUITY_CHUNK);
        pthread_mutex_unlock(&sequences->lock);
}
