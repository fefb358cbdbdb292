/* Import, in private: what the readers of other programs' libraries hand to the one writer. All on one thread. */
#pragma once

#include "core/plan/catalog/catalog.h"
#include "core/plan/catalog/import/foreign_store.h"

#define IMPORT_MAX_ITEMS 1000000 /* as many as a walk finds at most */

/* One of the source's libraries ("Movies"). */
typedef struct {
        char *id; /* the source's; part of the origin of its assets */
        char *name;
        char **roots; /* its folders, as the source names them; never NULL */
} ImportLibrary;

/* One file that the source has, with what it knows about it. What is NULL or 0 is left for the path to tell. */
typedef struct {
        char *path;  /* as the source names it */
        char *key;   /* what the source calls it for ever: an alias; NULL = nothing */
        char *group; /* the film or episode: of the files of one group (they are neighbours), one is taken. Owned; NULL
                        = none */
        const ImportLibrary *library;
        AssetKind kind; /* ASSET_EPISODE or ASSET_MOVIE */
        char *title, *series, *rating, *studio, *description, *air_date;
        int32_t season, episode, year;          /* -1 = unknown for the first two */
        char **genres, **collections, **labels; /* NULL = none */
        int64_t hint_ms, added_utc_ms;
} ImportItem;

typedef struct {
        GPtrArray *libraries; /* ImportLibrary: those that were chosen */
        GPtrArray *items;     /* ImportItem */
        uint32_t n_skipped;   /* files that cannot be assets */
        GPtrArray *notes;     /* char *: why, a sentence each; the first few */
} ImportList;

ImportList *import_list_new(void);
void import_list_free(ImportList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImportList, import_list_free)
void import_item_free(ImportItem *item); /* one that was added */
/* Counts a file that is left out, and why. */
void import_list_skip(ImportList *list, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* False, with an error that names them all, when one of names (NULL = none) is no library's. Takes the others out. */
bool import_list_choose(ImportList *list, const char *const *names, GError **error);
/* NULL: not among those that were chosen. */
const ImportLibrary *import_list_library(const ImportList *list, const char *id);
/* False and RV_ERROR_LIMIT: there are too many. */
bool import_list_add(ImportList *list, ImportItem *take_item, GError **error);

/* A text of the source's for people: names_clean'ed; NULL when nothing is left. Takes NULL. */
char *import_text(const char *text);
/* A paragraph: at most 4,000 characters. */
char *import_paragraph(const char *text);

/* The readers. sections: names of libraries; NULL = all. */
bool plex_read(Foreign *plex, const char *const *sections, ImportList *list, GError **error);
bool jellyfin_read(Foreign *jellyfin, const char *const *sections, ImportList *list, GError **error);
