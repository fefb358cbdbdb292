/* Places: where the files of another machine, or of another container, are here. One thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum {
        PLACE_THERE = 1, /* something that is no folder */
        PLACE_MISSING,
        PLACE_UNKNOWN, /* it cannot be told now: no permission, a network share that does not answer */
} PlaceState;

typedef struct {
        char *uri; /* the path here */
        PlaceState state;
} ImportPlace;

void import_place_clear(ImportPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImportPlace, import_place_clear)

typedef struct Places Places;

/* maps: "FROM=TO", NULL-terminated; NULL = none. RV_ERROR_INVALID names the one that is not of that form. */
Places *places_new(const char *const *maps, GError **error);
void places_free(Places *places);
/* The longest FROM that path is or lies below is replaced. A FROM of Windows ("D:\TV", "\\server\tv") is matched in
 * any case, and what follows it has slashes. g_free it. */
char *places_map(const Places *places, const char *path);
/* The path here, and whether the file is there. A path that is not absolute here is missing. */
void places_find(const Places *places, const char *path, ImportPlace *ret_place);
