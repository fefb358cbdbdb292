#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/plan/transmission_log/transmission_log.h"
#include "proto/base/clock.h"

/* A broadcast day as it is stored: what is planned, and as much of it as is locked. */
typedef struct {
        const ChannelSpec *spec;
        const char *day;
        int64_t start_utc_ms, end_utc_ms;
        GPtrArray *days;   /* ScheduleDay from this day on; the first may be a later one */
        GPtrArray *blocks; /* BlockPlan that start in the day */
} DayPlan;

static void day_plan_clear(DayPlan *plan) {
        g_clear_pointer(&plan->days, g_ptr_array_unref);
        g_clear_pointer(&plan->blocks, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DayPlan, day_plan_clear)

static const ScheduleDay *scheduled_day(const DayPlan *plan) {
        const ScheduleDay *first = plan->days->len > 0 ? g_ptr_array_index(plan->days, 0) : NULL;
        return first && g_str_equal(first->day, plan->day) ? first : NULL;
}

static bool load_day(Store *store, DayPlan *plan, GError **error) {
        schedule_day_bounds(plan->spec, plan->day, &plan->start_utc_ms, &plan->end_utc_ms);
        plan->days = schedule_store_days(store, plan->spec->id, plan->day, error);
        plan->blocks = plan->days ? transmission_log_blocks(store, plan->spec->id, plan->start_utc_ms, error) : NULL;
        if (!plan->blocks)
                return false;
        for (unsigned i = plan->blocks->len; i > 0; i--) {
                const BlockPlan *block = g_ptr_array_index(plan->blocks, i - 1);
                if (block->start_utc_ms < plan->start_utc_ms || block->start_utc_ms >= plan->end_utc_ms)
                        g_ptr_array_remove_index(plan->blocks, i - 1);
        }
        return true;
}

static const BlockPlan *block_at(const DayPlan *plan, int64_t start_utc_ms) {
        for (unsigned i = 0; i < plan->blocks->len; i++) {
                const BlockPlan *block = g_ptr_array_index(plan->blocks, i);
                if (block->start_utc_ms == start_utc_ms)
                        return block;
        }
        return NULL;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

static void print_line(const DayPlan *plan, int64_t start_utc_ms, int64_t ms, const char *what, const char *title) {
        g_autofree char *time = cli_local_time(plan->spec, start_utc_ms, "%H:%M:%S");
        int64_t s = ms / 1000;
        printf("%s  %d:%02d:%02d.%03d  %-10s  %s\n", time, (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60),
               (int)(ms % 1000), what, title);
}

static void print_block(const DayPlan *plan, const BlockPlan *block) {
        int64_t at_utc_ms = block->start_utc_ms;
        print_line(plan, block->start_utc_ms, block->end_utc_ms - block->start_utc_ms, "BLOCK", block->title);
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                print_line(plan, at_utc_ms, segment->duration_ms, segment_type_name(segment->type),
                           segment->title ? segment->title : "");
                at_utc_ms += segment->duration_ms;
        }
}

static void print_programme(const DayPlan *plan, const Programme *programme) {
        g_autofree char *title = g_strdup_printf("%s%s%s", programme->title, programme->subtitle ? " - " : "",
                                                 programme->subtitle ? programme->subtitle : "");
        print_line(plan, programme->start_utc_ms, programme->end_utc_ms - programme->start_utc_ms, "planned", title);
}

/* Locked blocks with their segments; what is planned beyond them by programme. */
static void print_text(const DayPlan *plan) {
        const ScheduleDay *day = scheduled_day(plan);
        printf("channel %s, broadcast day %s, times of %s; BLOCK = locked, with its segments\n", plan->spec->id,
               plan->day, plan->spec->timezone);
        for (unsigned i = 0; i < plan->blocks->len; i++)
                print_block(plan, g_ptr_array_index(plan->blocks, i));
        for (unsigned i = 0; day && i < day->programmes->len; i++) {
                const Programme *programme = g_ptr_array_index(day->programmes, i);
                if (!block_at(plan, programme->start_utc_ms))
                        print_programme(plan, programme);
        }
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *segment_json(const BlockSegment *segment) {
        return json_pack("{s:i,s:s,s:s?,s:s?,s:s,s:s,s:s?,s:I,s:I,s:i,s:i,s:i}", "index", (int)segment->index, "type",
                         segment_type_name(segment->type), "title", segment->title, "asset_id", segment->asset_uuid,
                         "event_id", segment->event_id, "segment_uuid", segment->segment_uuid, "asset_uri",
                         segment->asset_uri, "asset_start_offset_ms", (json_int_t)segment->asset_start_offset_ms,
                         "duration_ms", (json_int_t)segment->duration_ms, "gain_millibel", (int)segment->gain_millibel,
                         "fade_in_ms", (int)segment->fade_in_ms, "fade_out_ms", (int)segment->fade_out_ms);
}

static json_t *block_json(const BlockPlan *block) {
        json_t *segments = json_array();
        for (uint32_t i = 0; i < block->n_segments; i++)
                json_array_append_new(segments, segment_json(&block->segments[i]));
        return json_pack("{s:s,s:s,s:I,s:I,s:o}", "block_id", block->block_id, "title", block->title, "start_utc_ms",
                         (json_int_t)block->start_utc_ms, "end_utc_ms", (json_int_t)block->end_utc_ms, "segments",
                         segments);
}

static json_t *plan_json(const DayPlan *plan) {
        const ScheduleDay *day = scheduled_day(plan);
        json_t *blocks = json_array(), *document = day ? schedule_day_json(day) : NULL;
        json_t *programmes = document ? json_incref(json_object_get(document, "programmes")) : json_array();
        json_decref(document);
        for (unsigned i = 0; i < plan->blocks->len; i++)
                json_array_append_new(blocks, block_json(g_ptr_array_index(plan->blocks, i)));
        return json_pack("{s:s,s:s,s:s,s:I,s:I,s:o,s:o}", "channel", plan->spec->id, "day", plan->day, "timezone",
                         plan->spec->timezone, "start_utc_ms", (json_int_t)plan->start_utc_ms, "end_utc_ms",
                         (json_int_t)plan->end_utc_ms, "programmes", programmes, "blocks", blocks);
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static int nothing_planned(const DayPlan *plan) {
        if (plan->days->len == 0)
                return cli_fail("nothing is planned for channel %s on %s", plan->spec->id, plan->day);
        const ScheduleDay *first = g_ptr_array_index(plan->days, 0);
        return cli_fail("nothing is planned for channel %s on %s; the plan begins on %s", plan->spec->id, plan->day,
                        first->day);
}

static int show(const CliLook *look, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        char today[11];
        g_auto(DayPlan) plan = {.spec = cli_look_channel(look, options->arguments[0])};
        if (!plan.spec)
                return 1;
        schedule_day_of(plan.spec, rv_clock_utc_ms(rv_clock_system()), today);
        plan.day = options->day ? options->day : today;
        if (!load_day(look->store, &plan, &error))
                return cli_fail("%s", error->message);
        if (plan.blocks->len == 0 && !scheduled_day(&plan))
                return nothing_planned(&plan);
        if (options->json)
                cli_print_json(plan_json(&plan));
        else
                print_text(&plan);
        return 0;
}

/* "YYYY-MM-DD", a day that there is. */
static bool is_day(const char *text) {
        if (strlen(text) != 10 || strspn(text, "0123456789-") != 10 || text[4] != '-' || text[7] != '-')
                return false;
        guint64 year = g_ascii_strtoull(text, NULL, 10), month = g_ascii_strtoull(text + 5, NULL, 10);
        guint64 day = g_ascii_strtoull(text + 8, NULL, 10);
        return year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
               g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year);
}

typedef struct {
        const char *name;
        int (*run)(const CliLook *look, const CliOptions *options);
        unsigned least, most; /* arguments, its own name included */
} Subcommand;

static int show_named(const CliLook *look, const CliOptions *options) {
        CliOptions rest = *options;
        rest.arguments = options->arguments + 1;
        return show(look, &rest);
}

static const Subcommand subcommands[] = {
        {"show", show_named, 2, 2},
        {"compile", cli_plan_compile, 2, 2},
        {"diff", cli_plan_diff, 2, 2},
        {"explain", cli_plan_explain, 2, 3},
};

/* The subcommand that the arguments name; a single one names a channel to show. NULL: wrong use. */
static int (*chosen(const CliOptions *options))(const CliLook *look, const CliOptions *options) {
        const unsigned n = options->arguments ? g_strv_length(options->arguments) : 0;
        for (size_t i = 0; n > 0 && i < G_N_ELEMENTS(subcommands); i++)
                if (g_str_equal(subcommands[i].name, options->arguments[0]))
                        return n >= subcommands[i].least && n <= subcommands[i].most ? subcommands[i].run : NULL;
        return n == 1 ? show : NULL;
}

static int check(const CliOptions *options) {
        if (!chosen(options))
                return cli_misuse(
                        "plan takes [show|compile|diff] CHANNEL or explain CHANNEL [HH:MM] (`retrovue channels` "
                        "lists them)");
        const bool explain = g_str_equal(options->arguments[0], "explain") && options->arguments[1];
        if (explain && options->arguments[2] && cli_clock(options->arguments[2]) < 0)
                return cli_misuse("plan explain takes a time such as 20:30, not \"%s\"", options->arguments[2]);
        if (explain && !options->arguments[2] && options->day)
                return cli_misuse("plan explain of a day takes a time, too, such as 20:30");
        if (options->day && !is_day(options->day))
                return cli_misuse("--day takes a date such as 2026-11-22, not \"%s\"", options->day);
        return -1;
}

static int run(int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(
                &options, CLI_WITH_JSON | CLI_WITH_DAY | CLI_WITH_ARGUMENTS,
                "[show|compile|diff|explain] CHANNEL [HH:MM] - show what is planned, and why",
                "show     the locked blocks of a broadcast day with their segments, and what is planned after them\n"
                "compile  what the rules and the catalog of now would make of the day\n"
                "diff     how that differs from what is stored\n"
                "explain  why a programme is what it is: entry, pool, cursor, seed, rule\n"
                "All of them only read what is stored; none plans anything.",
                argc, argv);
        if (status < 0)
                status = check(&options);
        if (status < 0)
                status = cli_show(&options, chosen(&options));
        cli_options_clear(&options);
        return status;
}

const CliCommand cli_plan = {"plan", "show what is planned for a channel, and why", run};
