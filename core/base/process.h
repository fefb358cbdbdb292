/* Process: starts a program of ours in a process of its own. Any thread. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#define PROCESS_FD 3 /* where the program finds what it was handed */

/*
 * arguments: with the program's name first, NULL-terminated. fd is handed over as PROCESS_FD; it and the three standard
 * streams are all that the process inherits. Nothing is blocked or ignored in it but what the program's start sets, and
 * it has a process group of its own: a Ctrl-C in our terminal is for us to pass on. Its scheduling is that of the
 * calling thread. The caller waits for it. 0 and *error: it was not started.
 */
pid_t process_start(const char *program, char *const arguments[], int fd, GError **error);
