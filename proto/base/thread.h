/*
 * Named threads with a stated place in the scheduler. A thin layer over pthreads: every signal is blocked in them (the
 * control loop takes signals), names show in ps and gdb.
 */
#pragma once

#include <glib.h>
#include <pthread.h>

typedef enum {
        RV_PRIORITY_NORMAL,
        RV_PRIORITY_BACKGROUND, /* nice +10: measurements, scans */
        RV_PRIORITY_PRODUCER,   /* nice +4: decoders ahead of the playhead */
        RV_PRIORITY_TICK,       /* SCHED_RR where permitted, else nice -10, else as it is: the output clock */
} RvPriority;

typedef struct RvThread RvThread;

/* Starts f(user). NULL and GError when the system has no thread to give. name: at most 15 bytes. */
RvThread *rv_thread_start(const char *name, RvPriority priority, void (*f)(void *user), void *user, GError **error);
/* Waits for its end and frees it. NULL is allowed. */
void rv_thread_join(RvThread *thread);
/* For a thread that may be stuck in the kernel: nobody will wait for it; what it uses must outlive it. */
void rv_thread_detach(RvThread *thread);
