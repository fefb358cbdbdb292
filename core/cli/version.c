#include "core/cli/cli.h"

#include <stdio.h>

static int run(int argc, char **argv) {
        puts("retrovue " RETROVUE_VERSION);
        return 0;
}

const CliCommand cli_version = {"version", "print the version", run};
