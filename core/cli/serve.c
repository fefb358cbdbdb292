#include "core/cli/cli.h"

#include "core/core.h"

static int run(int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(
                &options, CLI_WITH_MEDIA | CLI_WITH_SERVER, "- put the channels on the air",
                "Scans the media folders, plans every channel of the channel files and serves them until "
                "SIGINT or SIGTERM.\nPrints `ready URL` when channels can be watched.",
                argc, argv);
        if (status < 0) {
                g_autoptr(Config) config = cli_config(&options);
                status = config ? core_run(config) : 1;
        }
        cli_options_clear(&options);
        return status;
}

const CliCommand cli_serve = {"serve", "put the channels on the air", run};
