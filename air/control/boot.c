#include "air/control/boot.h"

#include <pthread.h>

#include "air/output/output.h"
#include "proto/base/error.h"
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

bool boot_wait(Boot *boot, const atomic_bool *given_up, GError **error) {
        pthread_mutex_lock(&boot->lock);
        while (!boot->done && !atomic_load(given_up))
                pthread_cond_wait(&boot->over, &boot->lock);
        const bool ok = boot->done && !boot->error;
        if (boot->error && error)
                *error = g_error_copy(boot->error);
        else if (!ok)
                g_set_error(error, RV_ERROR, RV_ERROR_FAILED, "nobody waits for GStreamer any more");
        pthread_mutex_unlock(&boot->lock);
        return ok;
}

void boot_give_up(Boot *boot, atomic_bool *given_up) {
        pthread_mutex_lock(&boot->lock);
        atomic_store(given_up, true);
        pthread_cond_broadcast(&boot->over);
        pthread_mutex_unlock(&boot->lock);
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
