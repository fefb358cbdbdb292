/*
 * Keys: at which times of a file decoding can begin, as measuring it found (its key pictures), for who joins it in its
 * midst. Times are milliseconds after the first picture, as engines count them; rising. Two nearer to each other than
 * KEYS_APART_MS are as good as one, and more than KEYS_MAX of a file are not kept: what lies behind the last one is
 * joined as if nothing were known. They make joining faster, and decide nothing else.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/store.h"

#define KEYS_APART_MS 500
#define KEYS_MAX 32768

/* Times in few bytes: two each where key pictures are seconds apart. Those that do not rise, and what exceeds KEYS_MAX,
 * are left out. g_free it. */
uint8_t *keys_pack(const int64_t *times_ms, uint32_t n, size_t *ret_size);
/* The last of the packed times that is at or before at_ms; -1: there is none. Any bytes may be given. */
int64_t keys_before(const uint8_t *packed, size_t size, int64_t at_ms);

/* Of an asset whose survey is in the store, within its owner's transaction; they hold and go with it. n = 0 forgets. */
bool keys_store_put(Store *store, const char *asset_id, const int64_t *times_ms, uint32_t n, GError **error);

/* Looks times up in a store, over a connection of its own. */
typedef struct KeysIndex KeysIndex;
KeysIndex *keys_index_open(const char *store_path, GError **error);
void keys_index_free(KeysIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeysIndex, keys_index_free)

/* The last key picture of the asset at or before at_ms; -1: there is none, nothing was measured, the file is another by
 * now, or the database failed (told in the log). Any thread; some tens of microseconds. */
int64_t keys_index_before(KeysIndex *index, const char *asset_id, int64_t at_ms);
