/*
 * Library: the media folders, looked through at the start and whenever asked, and when there is enough of a catalog to
 * plan with. What is new is decoded in the background then. Control loop, but where it says otherwise.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "core/base/config.h"
#include "proto/base/clock.h"

typedef enum {
        LIBRARY_GROWING = 0, /* files are still being measured for the first time */
        LIBRARY_KNOWN,
} LibraryState;

typedef struct Library Library;

typedef struct {
        const Config *config; /* outlives the library */
        const char *store_path;
        RvClock *clock;
        void (*plan_now)(void *user);  /* the catalog is fit to be planned with */
        void (*plan_soon)(void *user); /* it has changed; more changes may follow */
        void *user;
} LibraryOptions;

Library *library_new(const LibraryOptions *options);
/* Begins the first scan. What an earlier run knew is planned with at once; else the scan's end is awaited, half a
 * minute at most. A folder that cannot be read is a GError. */
bool library_begin(Library *library, GError **error);
/* Ends a scan that is running; nothing is called from now on. NULL is allowed. */
void library_free(Library *library);

LibraryState library_state(const Library *library);
/* There is a catalog to plan with: plan_now has been called. */
bool library_is_usable(const Library *library);
/* Looks through the folders again, now or when the scan that is running has ended. */
void library_rescan(Library *library);

/* While an engine runs, measuring in the background has one worker for two processors, else one for each. */
void library_set_watched(Library *library, bool watched);

/* {"found", "measured", "refused", "missing", "unchanged", "to_measure", "done", "survey": {"to_do", "done", "refused",
 * "over"} or null}; NULL: no scan. Any thread. */
json_t *library_progress(Library *library);
/* Why the folders could not be looked through, all of them; NULL: they were. g_free it. Any thread. */
char *library_fault(Library *library);
