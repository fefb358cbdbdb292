/*
 * Wake: lets one thread sleep until others have changed something, without a lock between them. The sleeper announces
 * itself, looks again and sleeps; whoever changes what it looks at calls wake_up, which costs an exchange, and a system
 * call only when somebody sleeps. Spurious returns are normal: callers of wake_wait loop over their condition.
 */
#pragma once

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct {
        atomic_bool waiting;
        sem_t semaphore;
} Wake;

static inline void wake_init(Wake *wake) {
        atomic_init(&wake->waiting, false);
        (void)sem_init(&wake->semaphore, 0, 0);
}

static inline void wake_clear(Wake *wake) {
        (void)sem_destroy(&wake->semaphore);
}

/* Any thread, the tick thread too. */
static inline void wake_up(Wake *wake) {
        if (atomic_exchange(&wake->waiting, false))
                (void)sem_post(&wake->semaphore);
}

/* Before the last look at the condition; then wake_wait, or wake_cancel when the condition holds by now. */
static inline void wake_announce(Wake *wake) {
        atomic_store(&wake->waiting, true);
}

static inline void wake_wait(Wake *wake) {
        while (sem_wait(&wake->semaphore) < 0 && errno == EINTR)
                ;
}

static inline void wake_cancel(Wake *wake) {
        if (!atomic_exchange(&wake->waiting, false))
                wake_wait(wake);
}
