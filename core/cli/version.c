#include "core/cli/cli.h"

#include <stdio.h>

static int run(int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(&options, CLI_PLAIN, "- print the version", NULL, argc, argv);
        cli_options_clear(&options);
        if (status >= 0)
                return status;
        puts("retrovue " RETROVUE_VERSION);
        return 0;
}

const CliCommand cli_version = {"version", "print the version", run};
