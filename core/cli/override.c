#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/plan/horizon/override.h"
#include "core/plan/schedule/policy.h"
#include "proto/base/clock.h"
#include "proto/base/error.h"

#define MATCHES_SHOWN 5

/* --- what the words mean ----------------------------------------------------------------------------------------- */

/* "20:00": the next time that the channel's clocks show it. */
static GDateTime *next_time(const ChannelSpec *spec, const char *text, int64_t now_utc_ms) {
        const int seconds = cli_clock(text);
        if (seconds < 0)
                return NULL;
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(now_utc_ms / 1000);
        g_autoptr(GDateTime) now = g_date_time_to_timezone(utc, spec->zone);
        GDateTime *at =
                g_date_time_new(spec->zone, g_date_time_get_year(now), g_date_time_get_month(now),
                                g_date_time_get_day_of_month(now), seconds / 3600, seconds / 60 % 60, seconds % 60);
        if (g_date_time_compare(at, now) > 0)
                return at;
        g_autoptr(GDateTime) earlier = at;
        return g_date_time_add_days(earlier, 1);
}

/* "2026-11-22T20:00", with or without seconds, and Z or an offset; *ret_local: without. NULL: it is none. */
static GDateTime *stamp_time(const ChannelSpec *spec, const char *text, bool *ret_local) {
        if (strlen(text) < 16)
                return NULL;
        const char *rest = text + 16;
        g_autofree char *to_minutes = g_strndup(text, 16);
        g_autofree char *whole = *rest == ':' ? g_strdup(text) : g_strconcat(to_minutes, ":00", rest, NULL);
        *ret_local = !strpbrk(rest, "Zz+-");
        return g_date_time_new_from_iso8601(whole, spec->zone);
}

static bool time_is_told(const char *text) {
        cli_misuse("\"%s\" is no time: 20:00 (the next one) or 2026-11-22T20:00 on the channel's clocks, or "
                   "2026-11-22T20:00Z; no later than %d",
                   text, CLI_LAST_YEAR);
        return false;
}

/* As next_time and stamp_time. False after a message. */
static bool read_time(const ChannelSpec *spec, const char *text, int64_t *ret_utc_ms) {
        bool local = true;
        const bool clock = cli_clock(text) >= 0;
        g_autoptr(GDateTime) at =
                clock ? next_time(spec, text, rv_clock_utc_ms(rv_clock_system())) : stamp_time(spec, text, &local);
        if (!at || g_date_time_get_year(at) > CLI_LAST_YEAR)
                return time_is_told(text);
        g_autofree char *shown = g_date_time_format(at, "%H:%M");
        if (local && strncmp(shown, clock ? text : text + 11, 5) != 0) {
                g_autofree char *day = g_date_time_format(at, "%F");
                cli_misuse("there is no %s on %s: clocks are put forward", text, day);
                return false;
        }
        *ret_utc_ms = g_date_time_to_unix(at) * 1000;
        return true;
}

/* The ids of the first few, with what and where they are. */
static char *choices_text(const GPtrArray *assets) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (guint i = 0; i < MIN(assets->len, MATCHES_SHOWN); i++) {
                const Asset *asset = assets->pdata[i];
                g_string_append_printf(text, "\n  %s  %s  %s", asset->id, asset_kind_name(asset->kind), asset->uri);
        }
        return g_string_free(g_steal_pointer(&text), FALSE);
}

/* What catalog_resolve knows (ids, paths, aliases), or the title of a film or an episode; the asset's id, or NULL after
 * a message. g_free it. */
static char *find_asset(Store *store, const CatalogSnapshot *catalog, const char *name) {
        g_autoptr(GError) error = NULL;
        char *id = catalog_resolve(store, name, &error);
        if (id)
                return id;
        g_autoptr(GPtrArray) named = catalog_snapshot_named(catalog, name);
        g_autofree char *choices = choices_text(named);
        const Asset *first = named->len > 0 ? named->pdata[0] : NULL;
        if (named->len == 1 && asset_is_programme(first))
                return g_strdup(first->id);
        if (first && asset_is_programme(first))
                cli_fail("%u programmes are called \"%s\": give the id of one%s", named->len, name, choices);
        else if (first)
                cli_fail("no film and no episode is called \"%s\", but this is; a spot is taken by its id%s", name,
                         choices);
        else if (g_error_matches(error, RV_ERROR, RV_ERROR_NOT_FOUND))
                cli_fail("nothing in the catalog has the id, path, alias or title \"%s\"", name);
        else
                cli_fail("%s", error->message);
        return NULL;
}

/* --- list -------------------------------------------------------------------------------------------------------- */

static void print_override(const ChannelSpec *spec, const Override *override) {
        const char *title = json_string_value(json_object_get(json_array_get(override->becomes, 0), "title"));
        g_autofree char *at = channel_spec_time(spec, override->at_utc_ms, "%F %H:%M");
        g_autofree char *airs = NULL;
        if (override->end_utc_ms > 0) {
                g_autofree char *start = channel_spec_time(spec, override->start_utc_ms, "%H:%M");
                g_autofree char *end = channel_spec_time(spec, override->end_utc_ms, "%H:%M");
                airs = g_strdup_printf("%s-%s  ", start, end);
        }
        printf("%5" G_GINT64_FORMAT "  %s  %-8s  %-10s  %s%s\n", override->id, at, override_kind_name(override->kind),
               override_state_name(override->state), airs ? airs : "",
               override->detail ? override->detail
               : title          ? title
                                : (override->asset_id ? override->asset_id : ""));
}

static int list(const CliLook *look, const ChannelSpec *spec, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) overrides = override_store_list(look->store, spec->id, &error);
        if (!overrides)
                return cli_fail("%s", error->message);
        json_t *documents = json_array();
        for (guint i = 0; i < overrides->len; i++) {
                if (options->json)
                        json_array_append_new(documents, override_json(overrides->pdata[i]));
                else
                        print_override(spec, overrides->pdata[i]);
        }
        if (options->json)
                cli_print_json(documents);
        else
                json_decref(documents);
        return 0;
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

/* What is asked for, and what is known of where it goes. */
typedef struct {
        const ChannelSpec *spec;
        Override override; /* asset_id: of asset_id */
        char *asset_id;    /* NULL: nothing is asked for */
        CatalogSnapshot *catalog;
        const Asset *asset;       /* NULL: none, or the catalog does not have it */
        GPtrArray *days;          /* ScheduleDay, all that are stored */
        const ScheduleDay *day;   /* of them; NULL: the guide does not reach that far */
        const Programme *planned; /* of day */
} Wish;

static void wish_clear(Wish *wish) {
        g_clear_pointer(&wish->asset_id, g_free);
        g_clear_pointer(&wish->days, g_ptr_array_unref);
        g_clear_pointer(&wish->catalog, catalog_snapshot_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wish, wish_clear)

/* The day and the programme that the instant is in. False after a message. */
static bool find_place(Wish *wish, Store *store) {
        g_autoptr(GError) error = NULL;
        wish->days = schedule_store_days(store, wish->spec->id, "1970-01-01", &error);
        if (!wish->days) {
                cli_fail("%s", error->message);
                return false;
        }
        wish->day = override_place(wish->days, wish->override.at_utc_ms, &wish->planned);
        return true;
}

/* Channel, time and asset as the words name them. The exit status after a message, else -1. */
static int wish_read(Wish *wish, const CliLook *look, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        wish->override.asked_utc_ms = rv_clock_utc_ms(rv_clock_system());
        if (!read_time(wish->spec, options->arguments[2], &wish->override.at_utc_ms))
                return 2;
        if (wish->override.at_utc_ms <= wish->override.asked_utc_ms)
                return cli_fail("%s is past: what has aired is not changed", options->arguments[2]);
        wish->catalog = catalog_load(look->store, &error);
        if (!wish->catalog)
                return cli_fail("%s", error->message);
        if (wish->override.kind != OVERRIDE_SKIP) {
                wish->asset_id = find_asset(look->store, wish->catalog, options->arguments[3]);
                if (!wish->asset_id)
                        return 1;
                wish->override.asset_id = wish->asset_id;
                wish->asset = channel_spec_asset(wish->spec, wish->catalog, wish->asset_id);
        }
        return find_place(wish, look->store) ? -1 : 1;
}

/* By the rules that the daemon decides by. The exit status after a message, else -1. */
static int wish_check(const Wish *wish) {
        g_autofree char *objection = override_objection(wish->spec, wish->catalog, wish->day, &wish->override);
        if (objection)
                return cli_fail("%s", objection);
        if (!wish->planned || wish->planned->start_utc_ms > wish->override.asked_utc_ms)
                return -1;
        g_autofree char *end = channel_spec_time(wish->spec, wish->planned->end_utc_ms, "%H:%M");
        return cli_fail("what is planned then is on the air until %s: the next programme can be changed", end);
}

static void warn_of_length(const Wish *wish, int64_t slot_ms) {
        g_autofree char *slot = cli_length(slot_ms), *length = cli_length(wish->asset->duration_ms);
        g_autofree char *rest = cli_length(slot_ms - wish->asset->duration_ms);
        printf("  \"%s\" (%s) is %s long in a slot of %s; %s stay for breaks\n", wish->asset->title,
               asset_kind_name(wish->asset->kind), length, slot, rest);
        if (wish->asset->duration_ms < slot_ms / 2)
                fprintf(stderr, "retrovue: warning: it fills less than half of its slot: spots and filler fill %s\n",
                        rest);
}

static void warn_of_repeat(const Wish *wish, const Programme *other) {
        if (!other)
                return;
        g_autofree char *start = channel_spec_time(wish->spec, other->start_utc_ms, "%F %H:%M");
        g_autofree char *apart = cli_length(ABS(other->start_utc_ms - wish->planned->start_utc_ms));
        fprintf(stderr,
                "retrovue: warning: \"%s\" is planned for %s, too, %s %s: the rules do not rest it for an override\n",
                wish->asset->title, start, apart,
                other->start_utc_ms < wish->planned->start_utc_ms ? "before" : "after");
}

/* The same asset in what is stored of the plan, which reaches a few days: the nearest before and after. */
static void warn_of_repeats(const Wish *wish) {
        const Programme *before = NULL, *after = NULL;
        for (guint i = 0; i < wish->days->len; i++) {
                const ScheduleDay *day = wish->days->pdata[i];
                for (guint j = 0; j < day->programmes->len; j++) {
                        const Programme *other = day->programmes->pdata[j];
                        if (other == wish->planned || g_strcmp0(other->asset_id, wish->asset_id) != 0)
                                continue;
                        if (other->start_utc_ms < wish->planned->start_utc_ms)
                                before = other;
                        else if (!after)
                                after = other;
                }
        }
        warn_of_repeat(wish, before);
        warn_of_repeat(wish, after);
}

/* When it will air, as far as that is known now. */
static void print_airing(const Wish *wish) {
        const Programme *planned = wish->planned;
        if (!planned) {
                printf("  the guide does not reach that far yet; it is decided on when it does\n");
                return;
        }
        g_autofree char *start = channel_spec_time(wish->spec, planned->start_utc_ms, "%F %H:%M");
        g_autofree char *end = channel_spec_time(wish->spec, planned->end_utc_ms, "%H:%M");
        printf("  it will air at %s, where \"%s\" is planned until %s, unless an engine has that already\n", start,
               planned->subtitle ? planned->subtitle : planned->title, end);
        if (!wish->asset)
                return;
        warn_of_length(wish, wish->override.kind == OVERRIDE_REPLACE
                                     ? planned->end_utc_ms - planned->start_utc_ms
                                     : schedule_slot_ms(wish->spec, wish->asset->duration_ms));
        warn_of_repeats(wish);
}

static int ask(const CliLook *look, const ChannelSpec *spec, OverrideKind kind, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        g_auto(Wish) wish = {.spec = spec, .override = {.channel_id = spec->id, .kind = kind}};
        int status = wish_read(&wish, look, options);
        if (status < 0)
                status = wish_check(&wish);
        if (status >= 0)
                return status;
        g_autoptr(Store) store = store_open(store_path(look->store), &error);
        if (!store || !override_store_ask(store, &wish.override, &error))
                return cli_fail("%s", error->message);
        g_autofree char *at = channel_spec_time(spec, wish.override.at_utc_ms, "%F %H:%M");
        printf("override %" G_GINT64_FORMAT " is recorded: %s %s at %s; `retrovue serve` decides on it within seconds "
               "(`retrovue override list %s`)\n",
               wish.override.id, override_kind_name(kind), spec->id, at, spec->id);
        print_airing(&wish);
        return 0;
}

static int cancel(const CliLook *look, const ChannelSpec *spec, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        bool done = false;
        guint64 id = 0;
        if (!g_ascii_string_to_unsigned(options->arguments[2], 10, 1, G_MAXINT64, &id, NULL))
                return cli_misuse("\"%s\" is no number of an override (`retrovue override list %s`)",
                                  options->arguments[2], spec->id);
        g_autoptr(Store) store = store_open(store_path(look->store), &error);
        if (!store ||
            !override_store_cancel(store, spec->id, (int64_t)id, rv_clock_utc_ms(rv_clock_system()), &done, &error))
                return cli_fail("%s", error->message);
        if (!done)
                return cli_fail(
                        "channel %s has no override %s that is asked for, in force or refused (`retrovue override list "
                        "%s`)",
                        spec->id, options->arguments[2], spec->id);
        printf("override %s is to be taken back; `retrovue serve` decides on it within seconds\n",
               options->arguments[2]);
        return 0;
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static const struct {
        const char *name;
        unsigned n_arguments; /* after the action */
        OverrideKind kind;    /* 0: none is asked for */
} actions[] = {{"replace", 3, OVERRIDE_REPLACE},
               {"insert", 3, OVERRIDE_INSERT},
               {"skip", 2, OVERRIDE_SKIP},
               {"list", 1, 0},
               {"cancel", 2, 0}};

/* -1: no such action. */
static int action_of(const CliOptions *options) {
        for (size_t i = 0; options->arguments && i < G_N_ELEMENTS(actions); i++)
                if (g_str_equal(actions[i].name, options->arguments[0]))
                        return (int)i;
        return -1;
}

static int act(const CliLook *look, const CliOptions *options) {
        const int action = action_of(options);
        const ChannelSpec *spec = cli_look_channel(look, options->arguments[1]);
        if (!spec)
                return 1;
        if (actions[action].kind)
                return ask(look, spec, actions[action].kind, options);
        return g_str_equal(actions[action].name, "list") ? list(look, spec, options) : cancel(look, spec, options);
}

static int check(const CliOptions *options) {
        const int action = action_of(options);
        if (action < 0)
                return cli_misuse("override takes replace, insert, skip, list or cancel, and a channel");
        if (g_strv_length(options->arguments) != actions[action].n_arguments + 1)
                return cli_misuse("override %s takes %u arguments (`retrovue override --help`)", actions[action].name,
                                  actions[action].n_arguments);
        return -1;
}

static const CliLookCommand command = {
        .set = CLI_WITH_JSON | CLI_WITH_ARGUMENTS,
        .usage = "replace CHANNEL TIME ASSET | insert CHANNEL TIME ASSET | skip CHANNEL TIME | list CHANNEL | "
                 "cancel CHANNEL NUMBER - change what is planned",
        .summary = "Asks for a change of the plan, which the daemon puts in force or refuses within seconds:\n"
                   "  replace  another asset in the slot of the programme at TIME\n"
                   "  insert   an asset from TIME on, over as many programmes as it is long\n"
                   "  skip     filler in the place of the programme at TIME\n"
                   "  list     all that was asked for, and what became of it\n"
                   "  cancel   takes one back\n"
                   "TIME is 20:00 (the next one) or 2026-11-22T20:00 on the channel's clocks; ASSET an id, a path, an "
                   "alias or the\ntitle of a film or an episode. What is past, on the air or handed to an engine "
                   "stays: while somebody watches, the next four\n"
                   "programmes at most. What was refused is an alert until its time is past or it is cancelled.",
        .check = check,
        .show = act,
};

static int run(int argc, char **argv) {
        return cli_look_run(&command, argc, argv);
}

const CliCommand cli_override = {"override", "change what is planned: replace, insert, skip, list, cancel", run};
