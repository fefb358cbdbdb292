#include "core/cli/cli.h"

#include <stdio.h>

static int run(int argc, char **argv) {
        return 0;
}

const CliCommand cli_guide = {"guide", "show what is on and what comes", run};
