/* Boot: GStreamer starts in a thread of its own while core's first calls are answered. */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct Boot Boot;

Boot *boot_new(GError **error);
/* Any thread: waits until it is over. False when GStreamer cannot be used, or *given_up. */
bool boot_wait(Boot *boot, const atomic_bool *given_up, GError **error);
/* Any thread: sets *given_up, and whoever waits with it returns. */
void boot_give_up(Boot *boot, atomic_bool *given_up);
void boot_free(Boot *boot);
