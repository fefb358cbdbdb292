#include "core/serve/guide/guide.h"

#include <stdio.h>

#include "core/cli/cli.h"
#include "proto/base/clock.h"

#define HOUR_MS INT64_C(3600000)
#define MAX_HOURS (31 * 24)
#define DOMAIN "retrovue.local"

/* --- what is stored, as if it were published --------------------------------------------------------------------- */

static bool add_channel(PlanBoard *board, Store *store, ChannelSpec *spec, int64_t now_utc_ms, GError **error) {
        char today[11], yesterday[11];
        schedule_day_of(spec, now_utc_ms, today);
        schedule_day_step(today, -1, yesterday); /* its last programme may still be on */
        g_autoptr(GPtrArray) days = schedule_store_days(store, spec->id, yesterday, error);
        if (!days)
                return false;
        PlanView *view = g_new0(PlanView, 1);
        g_atomic_ref_count_init(&view->refs);
        view->spec = channel_spec_ref(spec);
        view->blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        view->programmes = g_ptr_array_new_with_free_func((GDestroyNotify)programme_unref);
        for (unsigned i = 0; i < days->len; i++) {
                const ScheduleDay *day = g_ptr_array_index(days, i);
                for (unsigned j = 0; j < day->programmes->len; j++)
                        g_ptr_array_add(view->programmes, programme_ref(g_ptr_array_index(day->programmes, j)));
                view->epg_end_utc_ms = day->end_utc_ms;
        }
        plan_board_publish(board, view);
        return true;
}

/* channel_id NULL = all. NULL after a message. */
static PlanBoard *load_board(const CliLook *look, const char *channel_id, int64_t now_utc_ms) {
        g_autoptr(GError) error = NULL;
        g_autoptr(PlanBoard) board = plan_board_new();
        ChannelSpec *only = channel_id ? cli_look_channel(look, channel_id) : NULL;
        if (channel_id && !only)
                return NULL;
        if (!only)
                cli_print_errors(look->faults);
        for (unsigned i = 0; i < look->specs->len; i++) {
                ChannelSpec *spec = g_ptr_array_index(look->specs, i);
                if ((only && spec != only) || add_channel(board, look->store, spec, now_utc_ms, &error))
                        continue;
                cli_fail("%s", error->message);
                return NULL;
        }
        return g_steal_pointer(&board);
}

/* --- text -------------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

static void print_entry(const ChannelSpec *spec, const char *when, const json_t *entry) {
        if (!json_is_object(entry)) {
                printf("      %-5s nothing is planned\n", when);
                return;
        }
        const char *subtitle = text_of(entry, "subtitle");
        int64_t start_utc_ms = json_integer_value(json_object_get(entry, "start_utc_ms"));
        g_autofree char *start = channel_spec_time(spec, start_utc_ms, "%a %H:%M");
        g_autofree char *end =
                channel_spec_time(spec, json_integer_value(json_object_get(entry, "end_utc_ms")), "%H:%M");
        printf("      %-5s %s-%s  %s%s%s\n", when, start, end, text_of(entry, "title"), subtitle ? " - " : "",
               subtitle ? subtitle : "");
}

static void print_channel(Guide *guide, const PlanView *view, int64_t from_utc_ms, int64_t to_utc_ms) {
        const ChannelSpec *spec = view->spec;
        printf("%4d  %s (%s, %s)\n", spec->number, spec->name, spec->id, spec->timezone);
        if (to_utc_ms == from_utc_ms) {
                json_t *channel = guide_channel_json(guide, view);
                print_entry(spec, "now", json_object_get(channel, "now"));
                print_entry(spec, "next", json_object_get(channel, "next"));
                json_decref(channel);
                return;
        }
        json_t *document = guide_json(guide, spec->id, from_utc_ms, to_utc_ms);
        json_t *programmes = json_object_get(json_array_get(json_object_get(document, "channels"), 0), "programmes"),
               *entry;
        size_t i;
        json_array_foreach(programmes, i, entry) print_entry(spec, "", entry);
        if (json_array_size(programmes) == 0)
                print_entry(spec, "", NULL);
        json_decref(document);
}

static json_t *now_and_next(Guide *guide, const GPtrArray *views) {
        json_t *channels = json_array();
        for (unsigned i = 0; i < views->len; i++)
                json_array_append_new(channels, guide_channel_json(guide, g_ptr_array_index(views, i)));
        return json_pack("{s:o}", "channels", channels);
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static int show(const CliLook *look, const CliOptions *options) {
        const char *channel_id = options->arguments ? options->arguments[0] : NULL;
        int64_t now = rv_clock_utc_ms(rv_clock_system()), to = now + options->hours * HOUR_MS;
        g_autoptr(PlanBoard) board = load_board(look, channel_id, now);
        if (!board)
                return 1;
        g_autoptr(Guide) guide = guide_new(board, rv_clock_system(), DOMAIN);
        g_autoptr(GPtrArray) views = plan_board_views(board);
        if (options->json && options->hours > 0)
                cli_print_json(guide_json(guide, channel_id, now, to));
        else if (options->json)
                cli_print_json(now_and_next(guide, views));
        for (unsigned i = 0; !options->json && i < views->len; i++)
                print_channel(guide, g_ptr_array_index(views, i), now, to);
        return views->len > 0 ? 0 : cli_fail("there is no channel (`retrovue channels` says what is wrong)");
}

static int check(const CliOptions *options) {
        if (options->arguments && g_strv_length(options->arguments) > 1)
                return cli_misuse("guide takes one channel, or none for all");
        if (options->hours < 0 || options->hours > MAX_HOURS)
                return cli_misuse("--hours takes a number from 1 to %d", MAX_HOURS);
        return -1;
}

static const CliLookCommand command = {
        .set = CLI_WITH_JSON | CLI_WITH_HOURS | CLI_WITH_ARGUMENTS,
        .usage = "[CHANNEL] - show what is on and what comes",
        .summary = "Prints now and next of every channel, or of one, in the channel's own time; "
                   "with --hours everything\nuntil then. Reads what is stored; plans nothing.",
        .check = check,
        .show = show,
};

static int run(int argc, char **argv) {
        return cli_look_run(&command, argc, argv);
}

const CliCommand cli_guide = {"guide", "show what is on and what comes", run};
