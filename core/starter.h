/*
 * Starter channels: for an operator who has folders and no channel files yet, files to begin with, made from what the
 * catalog holds: one channel for every larger series, one for films, and one that mixes everything. They are the
 * operator's from then on: nothing is written any more once there has been any other channel file, even if it goes.
 *
 * While the first scan goes on, what is written is provisional: it is made anew when more is known, unless somebody has
 * changed it meanwhile. Called on the planner's thread.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/plan/catalog/catalog.h"

typedef struct Starter Starter;

typedef enum {
        STARTER_PROVISIONAL = 0, /* the catalog is still growing */
        STARTER_FINAL,
} StarterState;

Starter *starter_new(const char *channels_dir);
void starter_free(Starter *starter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Starter, starter_free)
/* True also when there was nothing to do (there are other channel files, or nothing eligible is in the catalog). */
bool starter_write(Starter *starter, const CatalogSnapshot *catalog, StarterState state, GError **error);
