/*
 * Starter channels: for an operator who has a folder and no channel files yet, files to begin with, made from what the
 * catalog holds: one channel for every larger series, one for films, and one that mixes everything. They are the
 * operator's from then on: nothing is written when there is any channel file.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/store.h"

/* True also when there was nothing to do (channel files exist, or nothing eligible is in the catalog). */
bool starter_write_channels(const char *channels_dir, Store *store, GError **error);
