#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/plan/horizon/override.h"
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

/* "20:00", "2026-11-22T20:00" on the channel's clocks, or with Z or an offset. False after a message. */
static bool read_time(const ChannelSpec *spec, const char *text, int64_t *ret_utc_ms) {
        const int64_t now = rv_clock_utc_ms(rv_clock_system());
        g_autofree char *with_seconds = strlen(text) == 16 ? g_strconcat(text, ":00", NULL) : g_strdup(text);
        g_autoptr(GDateTime) at = next_time(spec, text, now);
        if (!at)
                at = g_date_time_new_from_iso8601(with_seconds, spec->zone);
        if (at) {
                *ret_utc_ms = g_date_time_to_unix(at) * 1000;
                return true;
        }
        cli_misuse("\"%s\" is no time: 20:00 (the next one) or 2026-11-22T20:00 on the channel's clocks, or "
                   "2026-11-22T20:00:00Z",
                   text);
        return false;
}

/* What catalog_resolve knows (ids, paths, aliases), or a title; the asset's id, or NULL after a message. g_free it. */
static char *find_asset(Store *store, const CatalogSnapshot *catalog, const char *name) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) found = g_string_new(NULL);
        const Asset *match = NULL;
        unsigned n = 0;
        char *id = catalog_resolve(store, name, &error);
        if (id)
                return id;
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                const Asset *asset = catalog->assets[i];
                if (g_ascii_strcasecmp(asset->title, name) != 0)
                        continue;
                match = asset;
                if (n++ < MATCHES_SHOWN)
                        g_string_append_printf(found, "\n  %s  %s", asset->id, asset->uri);
        }
        if (n == 1)
                return g_strdup(match->id);
        if (n > 1)
                cli_fail("%u assets are called \"%s\": give the id of one%s", n, name, found->str);
        else if (g_error_matches(error, RV_ERROR, RV_ERROR_NOT_FOUND))
                cli_fail("nothing in the catalog has the id, path, alias or title \"%s\"", name);
        else
                cli_fail("%s", error->message);
        return NULL;
}

/* --- list -------------------------------------------------------------------------------------------------------- */

static json_t *override_json(const Override *override) {
        return json_pack("{s:I,s:s,s:s,s:I,s:s?,s:s,s:I,s:I,s:s?,s:I,s:I}", "id", (json_int_t) override->id, "channel",
                         override->channel_id, "kind", override_kind_name(override->kind), "at_utc_ms",
                         (json_int_t) override->at_utc_ms, "asset_id", override->asset_id, "state",
                         override_state_name(override->state), "asked_utc_ms", (json_int_t) override->asked_utc_ms,
                         "decided_utc_ms", (json_int_t) override->decided_utc_ms, "detail", override->detail,
                         "start_utc_ms", (json_int_t) override->start_utc_ms, "end_utc_ms",
                         (json_int_t) override->end_utc_ms);
}

static void print_override(const ChannelSpec *spec, const Override *override) {
        const char *title = json_string_value(json_object_get(json_array_get(override->becomes, 0), "title"));
        g_autofree char *at = cli_local_time(spec, override->at_utc_ms, "%Y-%m-%d %H:%M");
        g_autofree char *airs = NULL;
        if (override->end_utc_ms > 0) {
                g_autofree char *start = cli_local_time(spec, override->start_utc_ms, "%H:%M");
                g_autofree char *end = cli_local_time(spec, override->end_utc_ms, "%H:%M");
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

/* The programme that is planned for the instant (a new reference); NULL: the guide does not reach that far. */
static Programme *planned_at(const CliLook *look, const ChannelSpec *spec, int64_t utc_ms) {
        char day[11], before[11];
        schedule_day_of(spec, utc_ms, day);
        schedule_day_step(day, -1, before); /* it may have run over */
        g_autoptr(GPtrArray) days = schedule_store_days(look->store, spec->id, before, NULL);
        for (guint i = 0; days && i < days->len; i++) {
                const ScheduleDay *planned = days->pdata[i];
                for (guint j = 0; j < planned->programmes->len; j++) {
                        Programme *programme = planned->programmes->pdata[j];
                        if (programme->start_utc_ms <= utc_ms && utc_ms < programme->end_utc_ms)
                                return programme_ref(programme);
                }
        }
        return NULL;
}

/* When it will air, as far as that is known now. */
static void print_airing(const CliLook *look, const ChannelSpec *spec, const Override *override) {
        g_autoptr(Programme) programme = planned_at(look, spec, override->at_utc_ms);
        if (!programme) {
                printf("  the guide does not reach that far yet; it is decided on when it does\n");
                return;
        }
        g_autofree char *start = cli_local_time(spec, programme->start_utc_ms, "%Y-%m-%d %H:%M");
        g_autofree char *end = cli_local_time(spec, programme->end_utc_ms, "%H:%M");
        printf("  it will air at %s, where \"%s\" is planned until %s, unless an engine has that already\n", start,
               programme->subtitle ? programme->subtitle : programme->title, end);
}

static int ask(const CliLook *look, const ChannelSpec *spec, OverrideKind kind, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        g_autofree char *asset_id = NULL;
        Override override = {.channel_id = spec->id, .kind = kind};
        override.asked_utc_ms = rv_clock_utc_ms(rv_clock_system());
        if (!read_time(spec, options->arguments[2], &override.at_utc_ms))
                return 2;
        if (override.at_utc_ms <= override.asked_utc_ms)
                return cli_fail("%s is past: what has aired is not changed", options->arguments[2]);
        if (kind != OVERRIDE_SKIP) {
                g_autoptr(CatalogSnapshot) catalog = catalog_load(look->store, &error);
                if (!catalog)
                        return cli_fail("%s", error->message);
                override.asset_id = asset_id = find_asset(look->store, catalog, options->arguments[3]);
                if (!asset_id)
                        return 1;
        }
        g_autoptr(Store) store = store_open(store_path(look->store), &error);
        if (!store || !override_store_ask(store, &override, &error))
                return cli_fail("%s", error->message);
        g_autofree char *at = cli_local_time(spec, override.at_utc_ms, "%Y-%m-%d %H:%M");
        printf("override %" G_GINT64_FORMAT " is recorded: %s %s at %s; `retrovue serve` decides on it within seconds "
               "(`retrovue override list %s`)\n",
               override.id, override_kind_name(kind), spec->id, at, spec->id);
        print_airing(look, spec, &override);
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
        .summary =
                "Asks for a change of the plan, which the daemon puts in force or refuses within seconds:\n"
                "  replace  another asset in the slot of the programme at TIME\n"
                "  insert   an asset from TIME on, over as many programmes as it is long\n"
                "  skip     filler in the place of the programme at TIME\n"
                "  list     all that was asked for, and what became of it\n"
                "  cancel   takes one back\n"
                "TIME is 20:00 (the next one) or 2026-11-22T20:00 on the channel's clocks; ASSET an id, a path, an "
                "alias or a "
                "title. What is past, on the air or handed to an engine stays: while somebody watches, the next four\n"
                "programmes at most. What was refused is an alert until its time is past or it is cancelled.",
        .check = check,
        .show = act,
};

static int run(int argc, char **argv) {
        return cli_look_run(&command, argc, argv);
}

const CliCommand cli_override = {"override", "change what is planned: replace, insert, skip, list, cancel", run};
