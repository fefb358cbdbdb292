#include <stdio.h>

#include "core/cli/cli.h"

/* The channels as their files name them; pools are not looked into. Faults go to stderr: what they hide cannot be
 * shown.
 */
static GPtrArray *load_channels(const Config *config) {
        g_autoptr(Diag) diag = diag_new();
        GPtrArray *specs = channel_specs_load(config->channels_dir, NULL, diag);
        if (diag_count(diag) > 0) {
                g_autofree char *faults = diag_text(diag);
                fputs(faults, stderr);
        }
        return specs;
}

bool cli_look(const Config *config, CliLook *ret_look) {
        g_autoptr(GError) error = NULL;
        g_autofree char *store_path = config_path(config, "retrovue.db");
        if (!g_file_test(store_path, G_FILE_TEST_EXISTS)) {
                cli_fail("nothing is planned yet in %s: there is no database (`retrovue serve` makes it; --data names "
                         "another folder)",
                         config->data_dir);
                return false;
        }
        Store *store = store_open_to_read(store_path, &error);
        if (!store) {
                cli_fail("%s", error->message);
                return false;
        }
        *ret_look = (CliLook){store, load_channels(config)};
        return true;
}

void cli_look_clear(CliLook *look) {
        store_close(look->store);
        g_clear_pointer(&look->specs, g_ptr_array_unref);
}

int cli_show(const CliOptions *options, int (*show)(const CliLook *look, const CliOptions *options)) {
        g_autoptr(Config) config = cli_config(options);
        g_auto(CliLook) look = {0};
        return config && cli_look(config, &look) ? show(&look, options) : 1;
}

ChannelSpec *cli_look_channel(const CliLook *look, const char *channel_id) {
        g_autoptr(GString) known = g_string_new(NULL);
        for (unsigned i = 0; i < look->specs->len; i++) {
                ChannelSpec *spec = g_ptr_array_index(look->specs, i);
                if (g_str_equal(spec->id, channel_id))
                        return spec;
                g_string_append_printf(known, "%s%s", i ? ", " : "; there is ", spec->id);
        }
        cli_fail("there is no channel \"%s\"%s", channel_id, known->str);
        return NULL;
}

void cli_print_json(json_t *take_json) {
        json_dumpf(take_json, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(take_json);
}

char *cli_local_time(const ChannelSpec *spec, int64_t utc_ms, const char *format) {
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(utc_ms / 1000);
        g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, spec->zone);
        return g_date_time_format(local, format);
}
