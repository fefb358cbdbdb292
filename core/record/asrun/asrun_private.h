/* What asrun.c (recording), left.c (sessions without an end), asrun_store.c (rows), document.c (an event as JSON and as
 * a line), page.c (the lines of a transaction) and file.c share. */
#pragma once

#include <pthread.h>

#include "core/base/store.h"
#include "core/record/asrun/asrun.h"
#include "core/record/asrun/export.h"

struct AsRun {
        AsRunOptions options;
        char *logs_dir, *spool_dir;
        int64_t last_alive_utc_ms; /* of the core before us; 0 = not known */
        GHashTable *left;          /* session id -> left.c's: to be settled; the settling thread's */
        pthread_mutex_t lock;      /* guards the connection, the files and: */
        Store *store;
        GHashTable *pages; /* name -> page.c's: lines of the transaction under way, not in their files yet */
};

/* Where and when an event belongs in the channel's own reckoning. */
typedef struct {
        char day[11]; /* broadcast day */
        char time[9]; /* HH:MM:SS, local */
} AsRunPlace;

/* --- document.c -------------------------------------------------------------------------------------------------- */

/* When what the event is about began. */
int64_t asrun_event_start_utc_ms(const EvidenceEvent *event);
/* The fields that mean something for the event's kind. json_decref it. */
json_t *asrun_document(const EvidenceEvent *event, const char *day);
/* The instant whose broadcast day the event belongs to. */
int64_t asrun_event_day_utc_ms(const EvidenceEvent *event);

/* --- asrun_store.c: with the lock held, inside a transaction where they write --------------------------------------
 */

bool asrun_store_holds(AsRun *asrun, const EvidenceEvent *event, bool *ret_holds, GError **error);
typedef enum {
        ASRUN_TOLD,
        ASRUN_LATE, /* core had closed what it ends: the row is there to be held once, and in no list */
} AsRunTelling;
bool asrun_store_insert(AsRun *asrun, const EvidenceEvent *event, const char *day, const json_t *document,
                        AsRunTelling telling, GError **error);
int64_t asrun_store_last_sequence(AsRun *asrun, const char *session_id, GError **error);
/* Title and file of a segment are told when it starts; its end only has its ids. Fills what event lacks. */
bool asrun_store_fill_in(AsRun *asrun, EvidenceEvent *event, GError **error);
/* What an engine that died has left open: segment ends still owed (EvidenceEvent with its free), TRUNCATED at utc_ms or
 * at their planned ends, whichever is first. */
GPtrArray *asrun_store_open_segments(AsRun *asrun, const char *session_id, int64_t utc_ms, GError **error);
bool asrun_store_is_terminated(AsRun *asrun, const char *session_id, bool *ret_terminated, GError **error);
/* Whether core has already said how what event ends has ended. */
bool asrun_store_is_closed(AsRun *asrun, const EvidenceEvent *event, bool *ret_closed, GError **error);
/* When the session's engine is last known to have lived; 0 on failure and when there is nothing of it. */
int64_t asrun_store_last_sign_utc_ms(AsRun *asrun, const char *session_id, GError **error);
/* Calls found for each session without channel_terminated. */
bool asrun_store_each_unended(AsRun *asrun, void (*found)(void *user, const char *channel_id, const char *session_id),
                              void *user, GError **error);
int64_t asrun_store_file_size(AsRun *asrun, const char *name, GError **error); /* -1 on failure; 0 when unknown */
bool asrun_store_set_file_size(AsRun *asrun, const char *name, int64_t size, GError **error);

/* --- left.c ------------------------------------------------------------------------------------------------------ */

/* Finds what the core before us, and engines that are gone, have left. */
bool asrun_left_find(AsRun *asrun, GError **error);
GHashTable *asrun_left_new(void);

/* --- asrun.c, for left.c ----------------------------------------------------------------------------------------- */

typedef struct {
        const char *channel_id, *session_id;
        int64_t utc_ms;     /* when its engine was last there */
        const char *detail; /* what is said of it */
} SessionEnd;

/* Closes the session, once, unless it has its end. */
bool asrun_close_session(AsRun *asrun, const SessionEnd *end, GError **error);

/* --- page.c: with the lock held, inside a transaction ---------------------------------------------------------------
 */

GHashTable *asrun_pages_new(void);
/* The text goes to the end of <logs_dir>/asrun/<name> when the transaction's pages are written; header begins a new
 * file. */
void asrun_page_add(AsRun *asrun, char *take_name, const char *header, const char *text);
/* Writes all pages, notes the files' new sizes and returns when all is on disk: each file is flushed, or, if there are
 * many, the file system. */
bool asrun_pages_write(AsRun *asrun, GError **error);
/* The transaction failed: cuts off what was written, if it can. */
void asrun_pages_take_back(AsRun *asrun);
/* The end of the transaction, either way. */
void asrun_pages_drop(AsRun *asrun);

/* --- file.c ------------------------------------------------------------------------------------------------------ */

/* Puts text at offset of path and cuts off what lies beyond. Makes file and folders; a new file begins with header; a
 * file that is shorter than offset goes on at its end. Returns the new size, -1 on failure. */
int64_t asrun_file_append(const char *path, int64_t offset, const char *header, const char *text, GError **error);
/* Returns when the file, and that it is there, is on disk. */
bool asrun_file_sync(const char *path, GError **error);
/* The same for every file of the file system that dir is on. */
bool asrun_file_sync_all(const char *dir, GError **error);
/* Cuts off what lies beyond size, if it can. */
void asrun_file_cut(const char *path, int64_t size);
/* An empty file whose time is all there is to it. */
void asrun_file_touch(const char *path, int64_t utc_ms);
int64_t asrun_file_touched_utc_ms(const char *path); /* 0: never */
