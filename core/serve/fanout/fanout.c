#include "core/serve/fanout/fanout.h"

#include <pthread.h>
#include <string.h>

#define DEFAULT_RING_BYTES ((size_t)8 * 1024 * 1024)
/* Random access points that are still in the ring; one a second and 8 MiB at 3 Mbit/s make some twenty. */
#define MAX_ENTRIES 256
/* A viewer begins so many random access points back: players want some seconds before they show anything, and so they
 * have them at once. */
#define ENTRIES_BACK 3

struct Fanout {
        gatomicrefcount refs;
        pthread_mutex_t lock; /* guards everything below */
        uint8_t *ring;
        size_t size;
        uint64_t end;                  /* bytes ever written; the ring holds [end - size, end) */
        uint64_t entries[MAX_ENTRIES]; /* where random access points are, oldest overwritten */
        uint64_t n_entries;            /* ever seen */
        uint64_t first_entry;          /* of the running session */
        GQueue viewers;
        FanoutStats stats;
        bool waits;          /* for its viewers */
        pthread_cond_t read; /* one of them has gone on, or left */
};

struct FanoutViewer {
        Fanout *fanout;
        GList link;
        void (*wake)(void *user);
        void *user;
        uint64_t at;  /* next byte to read */
        bool started; /* at is valid */
        bool waiting; /* owed a wake */
};

Fanout *fanout_new(size_t ring_bytes) {
        Fanout *fanout = g_new0(Fanout, 1);
        g_atomic_ref_count_init(&fanout->refs);
        pthread_mutex_init(&fanout->lock, NULL);
        pthread_cond_init(&fanout->read, NULL);
        fanout->size = ring_bytes ? ring_bytes : DEFAULT_RING_BYTES;
        fanout->size -= fanout->size % TS_PACKET;
        g_assert(fanout->size > 0);
        return fanout;
}

void fanout_wait_for_viewers(Fanout *fanout) {
        fanout->waits = true;
}

Fanout *fanout_ref(Fanout *fanout) {
        g_atomic_ref_count_inc(&fanout->refs);
        return fanout;
}

void fanout_unref(Fanout *fanout) {
        if (!fanout || !g_atomic_ref_count_dec(&fanout->refs))
                return;
        pthread_cond_destroy(&fanout->read);
        pthread_mutex_destroy(&fanout->lock);
        g_free(fanout->ring);
        g_free(fanout);
}

static uint64_t oldest(const Fanout *fanout) {
        return fanout->end > fanout->size ? fanout->end - fanout->size : 0;
}

/* --- the writer: the intake's thread ----------------------------------------------------------------------------- */

static void wake_all(Fanout *fanout) {
        for (GList *l = fanout->viewers.head; l; l = l->next) {
                FanoutViewer *viewer = l->data;
                if (viewer->waiting) {
                        viewer->waiting = false;
                        viewer->wake(viewer->user);
                }
        }
}

static void sink_random_access(void *user, int64_t frame) {
        Fanout *fanout = user;
        pthread_mutex_lock(&fanout->lock);
        fanout->entries[fanout->n_entries++ % MAX_ENTRIES] = fanout->end;
        pthread_mutex_unlock(&fanout->lock);
}

/* Locked. */
static bool would_overtake(const Fanout *fanout, size_t size) {
        for (const GList *l = fanout->viewers.head; l; l = l->next) {
                const FanoutViewer *viewer = l->data;
                if (viewer->started && viewer->at + fanout->size < fanout->end + size)
                        return true;
        }
        return false;
}

static void sink_packets(void *user, const uint8_t *packets, size_t size) {
        Fanout *fanout = user;
        pthread_mutex_lock(&fanout->lock);
        if (!fanout->ring)
                fanout->ring = g_malloc(fanout->size);
        while (fanout->waits && would_overtake(fanout, size))
                pthread_cond_wait(&fanout->read, &fanout->lock);
        while (size > 0) {
                size_t at = fanout->end % fanout->size;
                size_t n = MIN(size, fanout->size - at);
                memcpy(fanout->ring + at, packets, n);
                fanout->end += n;
                fanout->stats.bytes_in += n;
                packets += n;
                size -= n;
        }
        wake_all(fanout);
        pthread_mutex_unlock(&fanout->lock);
}

/* INV-FANOUT-003: viewers stay; the next session, if one comes, begins with a random access point of its own. */
static void sink_end(void *user) {
        Fanout *fanout = user;
        pthread_mutex_lock(&fanout->lock);
        fanout->first_entry = fanout->n_entries;
        pthread_mutex_unlock(&fanout->lock);
}

IntakeSink fanout_sink(Fanout *fanout) {
        return (IntakeSink){
                .random_access = sink_random_access, .packets = sink_packets, .end = sink_end, .user = fanout};
}

void fanout_rest(Fanout *fanout) {
        pthread_mutex_lock(&fanout->lock);
        fanout->n_entries = fanout->first_entry = 0;
        g_clear_pointer(&fanout->ring, g_free);
        fanout->end = 0;
        for (GList *l = fanout->viewers.head; l; l = l->next)
                ((FanoutViewer *)l->data)->started = false;
        pthread_mutex_unlock(&fanout->lock);
}

/* --- viewers: HTTP workers --------------------------------------------------------------------------------------- */

FanoutViewer *fanout_join(Fanout *fanout, void (*wake)(void *user), void *user) {
        FanoutViewer *viewer = g_new0(FanoutViewer, 1);
        viewer->fanout = fanout_ref(fanout);
        viewer->link.data = viewer;
        viewer->wake = wake;
        viewer->user = user;
        pthread_mutex_lock(&fanout->lock);
        g_queue_push_tail_link(&fanout->viewers, &viewer->link);
        pthread_mutex_unlock(&fanout->lock);
        return viewer;
}

void fanout_leave(FanoutViewer *viewer) {
        Fanout *fanout = viewer->fanout;
        pthread_mutex_lock(&fanout->lock);
        g_queue_unlink(&fanout->viewers, &viewer->link);
        pthread_cond_signal(&fanout->read);
        pthread_mutex_unlock(&fanout->lock);
        fanout_unref(fanout);
        g_free(viewer);
}

/* The random access point so many back from the newest, as far as the ring and the session hold them. False: none. */
static bool find_entry(const Fanout *fanout, unsigned back, uint64_t *ret_at) {
        bool found = false;
        for (uint64_t i = fanout->n_entries; i > fanout->first_entry && fanout->n_entries - i <= back; i--) {
                uint64_t entry = fanout->entries[(i - 1) % MAX_ENTRIES];
                if (entry < oldest(fanout))
                        break;
                *ret_at = entry;
                found = true;
        }
        return found;
}

/* INV-FANOUT-001: who starts begins at a random access point. INV-FANOUT-002: who has fallen out of the ring goes on at
 * the newest. */
static bool place_viewer(Fanout *fanout, FanoutViewer *viewer) {
        uint64_t entry;
        if (viewer->started && viewer->at >= oldest(fanout))
                return true;
        if (!find_entry(fanout, viewer->started ? 0 : ENTRIES_BACK, &entry))
                return false;
        if (viewer->started)
                fanout->stats.bytes_skipped += entry - viewer->at;
        viewer->at = entry;
        viewer->started = true;
        return true;
}

static size_t copy_out(Fanout *fanout, FanoutViewer *viewer, uint8_t *buffer, size_t size) {
        size_t total = 0;
        size = MIN(size - size % TS_PACKET, fanout->end - viewer->at);
        while (total < size) {
                size_t at = viewer->at % fanout->size;
                size_t n = MIN(size - total, fanout->size - at);
                memcpy(buffer + total, fanout->ring + at, n);
                viewer->at += n;
                total += n;
        }
        fanout->stats.bytes_out += total;
        return total;
}

size_t fanout_read(FanoutViewer *viewer, uint8_t *buffer, size_t size) {
        Fanout *fanout = viewer->fanout;
        g_assert(size >= TS_PACKET);
        pthread_mutex_lock(&fanout->lock);
        size_t n = place_viewer(fanout, viewer) ? copy_out(fanout, viewer, buffer, size) : 0;
        pthread_cond_signal(&fanout->read);
        pthread_mutex_unlock(&fanout->lock);
        return n;
}

void fanout_arm(FanoutViewer *viewer) {
        Fanout *fanout = viewer->fanout;
        pthread_mutex_lock(&fanout->lock);
        bool due = place_viewer(fanout, viewer) && viewer->at < fanout->end;
        viewer->waiting = !due; /* INV-FANOUT-004: decided under the lock that the writer wakes under */
        pthread_mutex_unlock(&fanout->lock);
        if (due)
                viewer->wake(viewer->user);
}

FanoutStats fanout_stats(Fanout *fanout) {
        pthread_mutex_lock(&fanout->lock);
        FanoutStats stats = fanout->stats;
        stats.viewers = g_queue_get_length(&fanout->viewers);
        pthread_mutex_unlock(&fanout->lock);
        return stats;
}
