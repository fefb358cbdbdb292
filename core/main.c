#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/base/process.h"
#include "core/cli/cli.h"
#include "core/plan/catalog/measure/examiner.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/failure/failure.h"

/* Started without standard streams, the first files that are opened would become them, and be written to. */
static void have_standard_streams(void) {
        int fd;
        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                close(fd);
}

int main(int argc, char **argv) {
        have_standard_streams();
        signal(SIGPIPE, SIG_IGN);
        signal(SIGCHLD, SIG_DFL); /* ignored, as some start us, engines could not be waited for */
        rv_log_init("retrovue", rv_clock_system());
        failure_watch_log();
        if (argc == 2 && strcmp(argv[1], EXAMINER_COMMAND) == 0)
                return examiner_serve(PROCESS_FD, rv_clock_system());
        examiner_set_program("/proc/self/exe");
        return cli_main(argc, argv);
}
