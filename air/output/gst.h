/*
 * GStreamer, started with the plug-ins we name and no others: which of them are used then does not depend on what else
 * is installed, and a program starts in a tenth of the time. Once per process.
 */
#pragma once

#include <glib.h>
#include <gst/gst.h>
#include <stdbool.h>

/*
 * cache_dir gets a folder of links to the plug-ins and the registry made of them, both shared by every engine that
 * names it and safe to be made by many at once. When that fails (disk full, read-only) the system's registry serves:
 * a slower start, told in the log, is better than none. Changes the environment, so before there is any other thread.
 */
void gst_prepare(const char *cache_dir);
/* With what was prepared, or the system's registry. RV_ERROR_UNAVAILABLE: an element we need is not installed. */
bool gst_start(GError **error);
/*
 * A factory that not every channel uses, of a plug-in that is loaded with the first call for it: who does not need it
 * starts without it. NULL: there is none, or its plug-in cannot be loaded (a driver is missing). gst_object_unref it.
 */
GstElementFactory *gst_find_optional(const char *element);
