#include "tests/support/capture.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
        int before, captured; /* -1: not captured now */
} Capture;

static Capture of_stderr = {-1, -1}, of_stdout = {-1, -1};

static void begin(Capture *capture, int fd) {
        g_assert(capture->before < 0);
        capture->before = dup(fd);
        capture->captured = memfd_create("captured", MFD_CLOEXEC);
        g_assert(capture->before >= 0 && capture->captured >= 0);
        g_assert(fcntl(capture->captured, F_SETFL, O_APPEND) == 0); /* a memfd's offset is not locked between writers */
        g_assert(dup2(capture->captured, fd) >= 0);
}

static char *end(Capture *capture, int fd) {
        struct stat st;
        g_assert(dup2(capture->before, fd) >= 0);
        g_assert(fstat(capture->captured, &st) == 0);
        char *text = g_malloc((gsize)st.st_size + 1);
        g_assert(pread(capture->captured, text, (gsize)st.st_size, 0) == st.st_size);
        text[st.st_size] = '\0';
        close(capture->captured);
        close(capture->before);
        *capture = (Capture){-1, -1};
        return text;
}

void capture_stderr_begin(void) {
        begin(&of_stderr, STDERR_FILENO);
}

char *capture_stderr_end(void) {
        return end(&of_stderr, STDERR_FILENO);
}

void capture_stdout_begin(void) {
        g_assert(fflush(stdout) == 0); /* what is buffered is not of the capture */
        begin(&of_stdout, STDOUT_FILENO);
}

char *capture_stdout_end(void) {
        g_assert(fflush(stdout) == 0);
        return end(&of_stdout, STDOUT_FILENO);
}
