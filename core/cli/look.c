#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/last_good.h"

static bool has_channel(const GPtrArray *specs, const char *channel_id) {
        for (guint i = 0; i < specs->len; i++)
                if (g_str_equal(((const ChannelSpec *)specs->pdata[i])->id, channel_id))
                        return true;
        return false;
}

/* Channels whose files are there but faulty are on the air as their last good files say. */
static void add_last_good(CliLook *look, const Config *config) {
        g_autofree char *dir = config_path(config, "last_good_channels");
        g_autoptr(GPtrArray) good = last_good_specs(dir, NULL);
        for (guint i = 0; i < good->len; i++) {
                ChannelSpec *spec = good->pdata[i];
                g_autofree char *name = g_path_get_basename(spec->source_file);
                g_autofree char *path = g_build_filename(config->channels_dir, name, NULL);
                if (g_file_test(path, G_FILE_TEST_EXISTS) && !has_channel(look->specs, spec->id))
                        g_ptr_array_add(look->specs, channel_spec_ref(spec));
        }
}

/* The channels as their files name them; pools are not looked into. */
static void load_channels(CliLook *look, const Config *config) {
        look->faults = diag_new();
        look->specs = channel_specs_load(config->channels_dir, NULL, look->faults);
        look->n_sound = look->specs->len;
        if (diag_errors(look->faults) > 0)
                add_last_good(look, config);
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
        *ret_look = (CliLook){.store = store, .logs_dir = config_path(config, "logs")};
        load_channels(ret_look, config);
        return true;
}

void cli_look_clear(CliLook *look) {
        store_close(look->store);
        g_clear_pointer(&look->logs_dir, g_free);
        g_clear_pointer(&look->specs, g_ptr_array_unref);
        g_clear_pointer(&look->faults, diag_free);
}

static int show(const CliLookCommand *command, const CliOptions *options) {
        g_autoptr(Config) config = cli_config(options);
        g_auto(CliLook) look = {0};
        return config && cli_look(config, &look) ? command->show(&look, options) : 1;
}

int cli_look_run(const CliLookCommand *command, int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(&options, command->set, command->usage, command->summary, argc, argv);
        if (status < 0)
                status = command->check(&options);
        if (status < 0)
                status = show(command, &options);
        cli_options_clear(&options);
        return status;
}

/* Of the file that the channel has now; of all when the fault is elsewhere, such as in what it includes. */
static void tell_last_good(const CliLook *look, const ChannelSpec *spec) {
        g_autoptr(Diag) own = diag_new();
        g_autofree char *name = g_path_get_basename(spec->source_file);
        for (unsigned i = 0; i < diag_count(look->faults); i++) {
                const DiagEntry *entry = diag_get(look->faults, i);
                g_autofree char *file = entry && entry->file ? g_path_get_basename(entry->file) : NULL;
                if (file && g_str_equal(file, name))
                        diag_add(own, entry->severity, entry->file, entry->line, entry->column, "%s", entry->message);
        }
        cli_print_errors(diag_errors(own) > 0 ? own : look->faults);
        cli_fail("%s is faulty: channel \"%s\" is on the air, and shown here, as its last good file says", name,
                 spec->id);
}

ChannelSpec *cli_look_channel(const CliLook *look, const char *channel_id) {
        g_autoptr(GString) known = g_string_new(NULL);
        for (unsigned i = 0; i < look->specs->len; i++) {
                ChannelSpec *spec = g_ptr_array_index(look->specs, i);
                if (g_str_equal(spec->id, channel_id)) {
                        if (i >= look->n_sound)
                                tell_last_good(look, spec);
                        return spec;
                }
                g_string_append_printf(known, "%s%s", i ? ", " : "; there is ", spec->id);
        }
        cli_print_errors(look->faults);
        cli_fail("there is no channel \"%s\"%s", channel_id, known->str);
        return NULL;
}

void cli_print_json(json_t *take_json) {
        json_dumpf(take_json, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(take_json);
}

char *cli_length(int64_t ms) {
        const int64_t s = ms / 1000;
        if (ms <= 0)
                return g_strdup("-");
        return g_strdup_printf("%d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
}

char *cli_asset_name(const Asset *asset) {
        if (asset->kind == ASSET_EPISODE && asset->series)
                return g_strdup_printf("%s S%02dE%02d %s", asset->series, asset->season, asset->episode, asset->title);
        if (asset->kind == ASSET_MOVIE && asset->year > 0)
                return g_strdup_printf("%s (%d)", asset->title, asset->year);
        return g_strdup(asset->title);
}

/* Two digits, or -1. */
static int two_digits(const char *text) {
        return g_ascii_isdigit(text[0]) && g_ascii_isdigit(text[1]) ? (text[0] - '0') * 10 + text[1] - '0' : -1;
}

int cli_clock(const char *text) {
        const size_t n = strlen(text);
        if ((n != 5 && n != 8) || text[2] != ':' || (n == 8 && text[5] != ':'))
                return -1;
        const int hour = two_digits(text), minute = two_digits(text + 3), second = n == 8 ? two_digits(text + 6) : 0;
        const bool good = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
        return good ? (hour * 60 + minute) * 60 + second : -1;
}

bool cli_is_day(const char *text) {
        if (strlen(text) != 10 || strspn(text, "0123456789-") != 10 || text[4] != '-' || text[7] != '-')
                return false;
        guint64 year = g_ascii_strtoull(text, NULL, 10), month = g_ascii_strtoull(text + 5, NULL, 10);
        guint64 day = g_ascii_strtoull(text + 8, NULL, 10);
        return year >= 1970 && year <= CLI_LAST_YEAR && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
               g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year);
}
