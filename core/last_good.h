/*
 * Last good: a copy of the folder of channel files as it was when none of them had a fault, so that a restart with a
 * faulty file puts on the air what its channel was before. Planner's thread.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan/catalog/catalog.h"

/* Copies the folder below dir, in the place of the copy before. version: of what is copied; a copy of the same version
 * is left as it is. What is larger than a megabyte is no channel file and is left out. */
bool last_good_keep(const char *dir, const char *channels_dir, uint64_t version, GError **error);
/* The channels of the copy (ChannelSpec with its unref); none when there is no copy. */
GPtrArray *last_good_specs(const char *dir, const CatalogSnapshot *catalog);
