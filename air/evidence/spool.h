/*
 * Spool: the events of one session that core has not acknowledged, in memory and in a file that outlives the engine.
 *
 * The file is append-only: records of a 32-bit length, a 32-bit FNV-1a checksum (both little-endian) and the packed
 * event. A record that was torn by a crash ends it. The file is locked for as long as it is open, so that two engines
 * cannot send it at the same time. Owned by one thread.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Spool Spool;

/* Opens or creates the file and reads what is in it. RV_ERROR_UNAVAILABLE: somebody else has it open. */
Spool *spool_open(const char *path, GError **error);
/* A spool without a file. */
Spool *spool_in_memory(void);
/* Closes; the file is removed if every event was acknowledged. */
void spool_close(Spool *spool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Spool, spool_close)

/* Takes the event that follows the last one and writes it to the file. False: it is in memory only (the disk is full or
 * there is no file); it will be written as soon as that works again. */
bool spool_append(Spool *spool, int64_t sequence, GBytes *take_event);
/* Returns when all that was written is on disk. False: something is in memory only. */
bool spool_sync(Spool *spool);
/* Forgets events up to and including this one. */
void spool_acknowledge(Spool *spool, int64_t sequence);

/* Sequences held; first > last when there is none. */
int64_t spool_first(const Spool *spool);
int64_t spool_last(const Spool *spool);
/* Borrowed. The sequence must be held. */
GBytes *spool_get(const Spool *spool, int64_t sequence);
