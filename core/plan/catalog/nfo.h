/*
 * NFO: Kodi's sidecar files (episodedetails, movie, tvshow), read with libxml2. They say what people know about a film;
 * they cannot claim what is measured (length, pictures, chapters): such elements are not even looked at.
 *
 * A sidecar is somebody else's file: at most 256 KiB, no entities, no document types, no network; one that is not XML
 * says nothing. Any thread, after nfo_init on the first.
 */
#pragma once

#include "core/plan/catalog/catalog.h"

void nfo_init(void);
/* The file's own sidecar: what it says replaces what names said. */
void nfo_apply(Asset *asset, const char *path);
/* The series' sidecar: fills in what an episode leaves open. */
void nfo_apply_show(Asset *asset, const char *path);
