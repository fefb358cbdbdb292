#include "air/producer/shortage.h"

#include <errno.h>
#include <libavutil/error.h>

static _Thread_local bool refused;

void shortage_forget(void) {
        refused = false;
        errno = 0;
}

int shortage_look(int result) {
        refused |= errno == ENOMEM || result == AVERROR(ENOMEM);
        return result;
}

bool shortage_seen(void) {
        (void)shortage_look(0);
        return refused;
}
