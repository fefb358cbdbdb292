/*
 * Shelf: segments as files, for a web server that sends them itself (deploy/nginx): <dir>/<path>, best a tmpfs. Files
 * are written and removed by a thread of the shelf's, so that no disk holds up a stream: a playlist may name a segment
 * a moment before its file is there, and one whose file could not be written, for the segment is in memory as well; the
 * web server asks us then. A file appears whole.
 */
#pragma once

#include <glib.h>

typedef struct Shelf Shelf;

/* Makes dir; removes segments that an earlier run left below it, and nothing else. RV_ERROR_IO with the path when it
 * cannot be made. */
Shelf *shelf_new(const char *dir, GError **error);
/* Removes what is there, waits for the thread. Nobody puts any more. NULL is allowed. */
void shelf_free(Shelf *shelf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Shelf, shelf_free)

/* Any thread, neither waits. path is relative, "channel/<id>/seg/<name>.ts"; folders are made. When the disk is so slow
 * that SHELF_WAITING segments wait, a segment gets no file. */
#define SHELF_WAITING 256
void shelf_put(Shelf *shelf, const char *path, GBytes *data);
void shelf_remove(Shelf *shelf, const char *path);
