/*
 * Walk: finds the media files below the catalog's folders, with what the folders alone say about them. Runs on the
 * scan's thread. Deterministic: entries are taken in natural name order, whatever the file system's.
 */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
        char *path;      /* absolute */
        char *root_name; /* last part of the folder that was scanned */
        char *relative;  /* below that folder; UTF-8 */
        int64_t size;    /* bytes */
        int64_t mtime_ns;
        uint32_t position; /* among the media files of its folder, from 1, in natural name order */
        bool alone;        /* it is the only media file of its folder */
        char *nfo;         /* its own sidecar; NULL = none */
        char *show_nfo;    /* the nearest tvshow.nfo above; NULL = none */
        char *stamp;       /* SHA-256 of all that its editorial data are made from; a new one: read them again */
        char *fault;       /* why it need not even be opened, a sentence; NULL otherwise */
} WalkFile;

void walk_file_free(WalkFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WalkFile, walk_file_free)
/* One file, wherever it is: without sidecars, position and stamp. NULL and errno: it cannot be looked at. */
WalkFile *walk_file(const char *path);

typedef struct {
        GPtrArray *files;  /* WalkFile */
        GPtrArray *unread; /* char *: folders that could not be read; what was known below them is left as it is */
} Walk;

/* Adds what is below root (absolute, canonical). seen: folders met so far, by device and number: no loops, nothing
 * twice. */
Walk *walk_new(void);
void walk_free(Walk *walk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Walk, walk_free)
void walk_folders(Walk *walk, const char *const *roots, const atomic_bool *stop);

/* Whether path is below dir; both absolute. */
bool walk_below(const char *path, const char *dir);
/* "e2" before "E10"; a total order, the same in every locale. */
int walk_natural_order(const char *a, const char *b);
