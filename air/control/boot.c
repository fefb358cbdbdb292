#include "air/control/boot.h"

#include <pthread.h>

#include "air/output/output.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"

struct Boot {
        RvThread *thread;

        pthread_mutex_t lock; /* guards: */
        pthread_cond_t over;
        bool done;
        GError *error;
};

/* Once per process, however many boots a test makes one after the other. */
static bool init_once(GError **error) {
        static bool initialized;
        if (!initialized)
                initialized = output_init(error);
        return initialized;
}

static void start_output(void *user) {
        Boot *boot = user;
        GError *error = NULL;
        if (!init_once(&error))
                rv_error("control.output_unusable", RV_S("detail", error->message));
        pthread_mutex_lock(&boot->lock);
        boot->done = true;
        boot->error = error;
        pthread_cond_broadcast(&boot->over);
        pthread_mutex_unlock(&boot->lock);
}

Boot *boot_new(GError **error) {
        Boot *boot = g_new0(Boot, 1);
        pthread_mutex_init(&boot->lock, NULL);
        pthread_cond_init(&boot->over, NULL);
        boot->thread = rv_thread_start("boot", RV_PRIORITY_NORMAL, start_output, boot, error);
        if (boot->thread)
                return boot;
        boot_free(boot);
        return NULL;
}

bool boot_wait(Boot *boot, GError **error) {
        pthread_mutex_lock(&boot->lock);
        while (!boot->done)
                pthread_cond_wait(&boot->over, &boot->lock);
        if (boot->error && error)
                *error = g_error_copy(boot->error);
        const bool ok = !boot->error;
        pthread_mutex_unlock(&boot->lock);
        return ok;
}

void boot_free(Boot *boot) {
        if (!boot)
                return;
        rv_thread_join(boot->thread);
        g_clear_error(&boot->error);
        pthread_cond_destroy(&boot->over);
        pthread_mutex_destroy(&boot->lock);
        g_free(boot);
}
