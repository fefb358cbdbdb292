#include "core/cli/cli.h"

#include <stdio.h>

static int run(int argc, char **argv) {
        return 0;
}

const CliCommand cli_plan = {"plan", "show what is planned for a channel, block by block", run};
