/*
 * GStreamer, started with the plug-ins we name and no others: which of them are used then does not depend on what else
 * is installed, and a program starts in a tenth of the time. Once per process, before any other thread.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * cache_dir gets a folder of links to the plug-ins and the registry made of them, both shared by every engine that
 * names it and safe to be made by many at once. When that fails (disk full, read-only) the system's registry serves:
 * a slower start, told in the log, is better than none. NULL = the system's registry.
 * Fails with RV_ERROR_UNAVAILABLE when an element we need is not installed.
 */
bool gst_start(const char *cache_dir, GError **error);
