/*
 * Clerk: a thread that does, one after the other, what must not hold up the control loop: small writes to the database.
 */
#pragma once

#include <glib.h>

typedef struct Clerk Clerk;

Clerk *clerk_start(GError **error);
/* f(user) on the clerk's thread, in the order of the calls. Any thread. */
void clerk_do(Clerk *clerk, void (*f)(void *user), void *user);
/* What was asked for is done first. NULL is allowed. */
void clerk_free(Clerk *clerk);
