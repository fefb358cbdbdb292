#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/plan/transmission_log/transmission_log.h"
#include "proto/base/clock.h"

#define DAYS_MAX 60 /* no plan reaches further */

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

/* --- text -------------------------------------------------------------------------------------------------------- */

#define TITLE_CHARS 46
#define BREATH_MS 1500

/* "1:35", hours and minutes. */
static char *long_time(int64_t ms) {
        const int64_t minutes = (ms + 30000) / 60000;
        return g_strdup_printf("%d:%02d", (int)(minutes / 60), (int)(minutes % 60));
}

/* "4:02", minutes and seconds. */
static char *short_time(int64_t ms) {
        const int64_t seconds = (ms + 500) / 1000;
        return g_strdup_printf("%d:%02d", (int)(seconds / 60), (int)(seconds % 60));
}

/* What a person calls it, cut to a column's width. */
static char *programme_name(const Programme *programme) {
        GString *name = g_string_new(programme->asset_id ? programme->title : "(filler)");
        if (programme->series && programme->season > 0 && programme->episode > 0)
                g_string_append_printf(name, " S%02dE%02d", programme->season, programme->episode);
        else if (programme->kind == ASSET_MOVIE && programme->year > 0)
                g_string_append_printf(name, " (%d)", programme->year);
        if (programme->subtitle)
                g_string_append_printf(name, " %s", programme->subtitle);
        return g_string_free(name, FALSE);
}

static void print_column(const char *text, glong width) {
        const glong length = g_utf8_strlen(text, -1);
        g_autofree char *cut = length > width ? g_utf8_substring(text, 0, width - 1) : g_strdup(text);
        printf("%s%s%*s", cut, length > width ? "~" : "", (int)MAX(width - length, 0), "");
}

static bool in_break(const BlockSegment *segment) {
        return segment->type != SEGMENT_CONTENT;
}

/* "station id" */
static char *type_name(SegmentType type) {
        return type == SEGMENT_PAD ? g_strdup("black") : g_strdelimit(g_strdup(segment_type_name(type)), "_", ' ');
}

/* "2 breaks 0:53: 2 bumpers, 1 commercial, 0:04 black" */
static void print_breaks(const BlockPlan *block) {
        int spots[SEGMENT_PAD + 1] = {0}, breaks = 0;
        int64_t all_ms = 0, pad_ms = 0, filler_ms = 0;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                if (!in_break(segment))
                        continue;
                breaks += i == 0 || !in_break(&block->segments[i - 1]);
                all_ms += segment->duration_ms;
                pad_ms += segment->type == SEGMENT_PAD ? segment->duration_ms : 0;
                filler_ms += segment->type == SEGMENT_FILLER ? segment->duration_ms : 0;
                spots[segment->type]++;
        }
        g_autofree char *all = short_time(all_ms), *pad = short_time(pad_ms), *filler = short_time(filler_ms);
        if (breaks == 0) {
                printf("no breaks");
                return;
        }
        printf("%d break%s %s", breaks, breaks > 1 ? "s" : "", all);
        const char *mark = ": ";
        for (int type = SEGMENT_CONTENT + 1; type < SEGMENT_FILLER; type++)
                if (spots[type] > 0) {
                        g_autofree char *name = type_name((SegmentType)type);
                        printf("%s%d %s%s", mark, spots[type], name, spots[type] > 1 ? "s" : "");
                        mark = ", ";
                }
        if (filler_ms > 0)
                printf("%s%s filler", mark, filler);
        if (pad_ms >= 500)
                printf("%s%s black", filler_ms > 0 ? ", " : mark, pad);
}

/* What is written over the segment, and when. */
static void print_snipes(const DayPlan *plan, const BlockSegment *segment, int64_t start_utc_ms) {
        for (uint32_t i = 0; i < segment->n_snipes; i++) {
                const BlockSnipe *snipe = &segment->snipes[i];
                g_autofree char *time = channel_spec_time(plan->spec, start_utc_ms + snipe->start_ms, "%H:%M:%S");
                g_autofree char *length = short_time(snipe->duration_ms);
                printf("      %s %6s    text        %s%s%s\n", time, length, snipe->detail ? snipe->detail : "",
                       snipe->detail ? ": " : "", snipe->headline);
        }
}

/* Each act and what stands in each break, with its time; the breath after a spot goes without saying. */
static void print_segments(const DayPlan *plan, const BlockPlan *block) {
        int64_t at_utc_ms = block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; at_utc_ms += block->segments[i++].duration_ms) {
                const BlockSegment *segment = &block->segments[i];
                if (segment->type == SEGMENT_PAD && segment->duration_ms < BREATH_MS)
                        continue;
                g_autofree char *time = channel_spec_time(plan->spec, at_utc_ms, "%H:%M:%S");
                g_autofree char *length = short_time(segment->duration_ms), *type = type_name(segment->type);
                printf("      %s %6s  %s%-10s%s%s%s\n", time, length, in_break(segment) ? "  " : "", type,
                       segment->title ? "  " : "", segment->title ? segment->title : "",
                       segment->logo ? "  [logo]" : "");
                print_snipes(plan, segment, at_utc_ms);
        }
}

/* A programme, as far as it is locked with its breaks; one of them may be NULL. */
static void print_programme(const DayPlan *plan, const Programme *programme, const BlockPlan *block, bool spots) {
        g_assert(programme || block);
        const int64_t start = programme ? programme->start_utc_ms : block->start_utc_ms;
        const int64_t end = programme ? programme->end_utc_ms : block->end_utc_ms;
        g_autofree char *time = channel_spec_time(plan->spec, start, "%H:%M"), *length = long_time(end - start);
        g_autofree char *name = programme ? programme_name(programme) : g_strdup(block->title);
        printf("%s %6s  ", time, length);
        print_column(name, TITLE_CHARS);
        printf("  ");
        if (block)
                print_breaks(block);
        else
                printf("planned, not locked");
        printf("\n");
        if (block && spots)
                print_segments(plan, block);
}

static void print_day(const DayPlan *plan, bool spots) {
        const ScheduleDay *day = scheduled_day(plan);
        const guint n_programmes = day ? day->programmes->len : 0;
        g_autofree char *heading = channel_spec_time(plan->spec, plan->start_utc_ms, "%A, %-d %B %Y");
        printf("\n%s\n\n", heading);
        for (guint i = 0, j = 0; i < n_programmes || j < plan->blocks->len;) {
                const Programme *programme = i < n_programmes ? day->programmes->pdata[i] : NULL;
                const BlockPlan *block = j < plan->blocks->len ? plan->blocks->pdata[j] : NULL;
                if (programme && block && programme->start_utc_ms < block->start_utc_ms)
                        block = NULL;
                else if (programme && block && block->start_utc_ms < programme->start_utc_ms)
                        programme = NULL;
                print_programme(plan, programme, block, spots);
                i += programme != NULL;
                j += block != NULL;
        }
}

static void print_heading(const ChannelSpec *spec) {
        printf("%s (%s), times of %s\n", spec->name, spec->id, spec->timezone);
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *segment_json(const BlockSegment *segment) {
        json_t *object =
                json_pack("{s:i,s:s,s:s?,s:s?,s:s,s:s,s:s?,s:I,s:I,s:i,s:i,s:i}", "index", (int)segment->index, "type",
                          segment_type_name(segment->type), "title", segment->title, "asset_id", segment->asset_uuid,
                          "event_id", segment->event_id, "segment_uuid", segment->segment_uuid, "asset_uri",
                          segment->asset_uri, "asset_start_offset_ms", (json_int_t)segment->asset_start_offset_ms,
                          "duration_ms", (json_int_t)segment->duration_ms, "gain_millibel", (int)segment->gain_millibel,
                          "fade_in_ms", (int)segment->fade_in_ms, "fade_out_ms", (int)segment->fade_out_ms);
        transmission_log_put_graphics(object, segment);
        return object;
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

static bool is_planned(const DayPlan *plan) {
        return plan->blocks->len > 0 || scheduled_day(plan);
}

/* Later days than the first may not be planned yet; then the plan ends. False after a message. */
static int show_days(const CliLook *look, DayPlan *plan, const CliOptions *options, json_t *ret_days) {
        const int n_days = MAX(options->days, 1);
        char day[11];
        g_strlcpy(day, plan->day, sizeof(day));
        if (!options->json)
                print_heading(plan->spec);
        for (int i = 0; i < n_days; i++, schedule_day_step(day, 1, day)) {
                g_autoptr(GError) error = NULL;
                day_plan_clear(plan);
                plan->day = day;
                if (!load_day(look->store, plan, &error))
                        return cli_fail("%s", error->message);
                if (!is_planned(plan))
                        return i == 0 ? nothing_planned(plan) : 0;
                if (options->json)
                        json_array_append_new(ret_days, plan_json(plan));
                else
                        print_day(plan, options->spots);
        }
        return 0;
}

static int show(const CliLook *look, const CliOptions *options) {
        char today[11];
        g_auto(DayPlan) plan = {.spec = cli_look_channel(look, options->arguments[0])};
        if (!plan.spec)
                return 1;
        schedule_day_of(plan.spec, rv_clock_utc_ms(rv_clock_system()), today);
        plan.day = options->day ? options->day : today;
        json_t *days = json_array();
        const int status = show_days(look, &plan, options, days);
        if (status == 0 && options->json && options->days == 0)
                cli_print_json(json_incref(json_array_get(days, 0)));
        else if (status == 0 && options->json)
                cli_print_json(json_pack("{s:s,s:s,s:O}", "channel", plan.spec->id, "timezone", plan.spec->timezone,
                                         "days", days));
        json_decref(days);
        return status;
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
                        "plan takes [show|compile|diff] CHANNEL or explain CHANNEL [HH:MM[:SS]] (`retrovue channels` "
                        "lists them)");
        const bool explain = g_str_equal(options->arguments[0], "explain") && options->arguments[1];
        if (explain && options->arguments[2] && cli_clock(options->arguments[2]) < 0)
                return cli_misuse("plan explain takes a time such as 20:30 or 20:30:15, not \"%s\"",
                                  options->arguments[2]);
        if (explain && !options->arguments[2] && options->day)
                return cli_misuse("plan explain of a day takes a time, too, such as 20:30");
        if (options->spots && options->json)
                return cli_misuse("--spots is for people: --json has every segment of every block anyway");
        if (options->days > DAYS_MAX)
                return cli_misuse("--days takes a number from 1 to %d, not %d", DAYS_MAX, options->days);
        if (options->day && !cli_is_day(options->day))
                return cli_misuse("--day takes a date such as 2026-11-22, from 1970 to %d, not \"%s\"", CLI_LAST_YEAR,
                                  options->day);
        return -1;
}

static int show_chosen(const CliLook *look, const CliOptions *options) {
        return chosen(options)(look, options);
}

static const CliLookCommand command = {
        .set = CLI_WITH_JSON | CLI_WITH_DAY | CLI_WITH_DAYS | CLI_WITH_ARGUMENTS,
        .usage = "[show|compile|diff|explain] CHANNEL [HH:MM] - show what is planned, and why",
        .summary = "show     a broadcast day, or --days of them: programmes, and what their breaks "
                   "hold as far as they are\n"
                   "         locked; --spots names each spot\n"
                   "compile  what the rules and the catalog of now would make of the day\n"
                   "diff     how that differs from what is stored\n"
                   "explain  why what is on at a time (HH:MM or HH:MM:SS; now) is: of a programme "
                   "its entry, pool, cursor,\n"
                   "         seed and rule; in a locked break of the spot, too: place, campaign, "
                   "rest, and what kept others out\n"
                   "All of them only read what is stored; none plans anything.",
        .check = check,
        .show = show_chosen,
};

static int run(int argc, char **argv) {
        return cli_look_run(&command, argc, argv);
}

const CliCommand cli_plan = {"plan", "show what is planned for a channel, and why", run};
