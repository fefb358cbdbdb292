/* Boot: GStreamer starts in a thread of its own while core's first calls are answered. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct Boot Boot;

Boot *boot_new(GError **error);
/* Any thread: waits until it is over. False and a copy of the error when GStreamer cannot be used. */
bool boot_wait(Boot *boot, GError **error);
void boot_free(Boot *boot);
