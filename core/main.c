#include <signal.h>

#include "core/cli/cli.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

int main(int argc, char **argv) {
        signal(SIGPIPE, SIG_IGN);
        rv_log_init("retrovue", rv_clock_system());
        return cli_main(argc, argv);
}
