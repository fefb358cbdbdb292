#include "tests/support/capture.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int stderr_before = -1;
static int captured = -1;

void capture_stderr_begin(void) {
        g_assert(stderr_before < 0);
        stderr_before = dup(STDERR_FILENO);
        captured = memfd_create("stderr", MFD_CLOEXEC);
        g_assert(stderr_before >= 0 && captured >= 0);
        g_assert(fcntl(captured, F_SETFL, O_APPEND) == 0); /* a memfd's offset is not locked between writers */
        g_assert(dup2(captured, STDERR_FILENO) >= 0);
}

char *capture_stderr_end(void) {
        struct stat st;
        g_assert(dup2(stderr_before, STDERR_FILENO) >= 0);
        g_assert(fstat(captured, &st) == 0);
        char *text = g_malloc((gsize)st.st_size + 1);
        g_assert(pread(captured, text, (gsize)st.st_size, 0) == st.st_size);
        text[st.st_size] = '\0';
        close(captured);
        close(stderr_before);
        stderr_before = captured = -1;
        return text;
}
