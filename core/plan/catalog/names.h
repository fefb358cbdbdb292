/* Names: what a file's place and name say about it: kind, series, season, episode, year, title, tags. Pure. */
#pragma once

#include "core/plan/catalog/catalog.h"
#include "core/plan/catalog/walk.h"

/*
 * Fills the editorial fields that names can tell. kind is left 0 where only the length can tell a film from an episode:
 * names_settle decides then, once it is measured.
 *
 * Folders named after an interstitial kind (commercials, promos, ...) give that kind to all below them. "S01E02",
 * "1x02" and season folders make episodes; "Title (1984)" and anything below a folder "Movies" or "Films" films. Other
 * files are the episodes of a series named after their folder, in the order of their names; unless they are alone there
 * or lie directly in the scanned folder: then those of 40 minutes or more are films. INV-INGEST-PATH-SEGMENT-TAG-001:
 * folders are tags.
 */
void names_read(Asset *asset, const WalkFile *file);
void names_settle(Asset *asset);

/* Text for people from a file's name or sidecar: one line, no control characters, at most 200 characters. g_free it. */
char *names_clean(const char *text);
/* The same of other lengths. */
char *names_paragraph(const char *text, glong max_chars);
