/* What the rules and the catalog of now would make of a day, without storing anything. */
#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/plan/catalog/catalog.h"
#include "core/plan/horizon/override.h"
#include "proto/base/clock.h"

/* A day to compile, and where it begins. */
typedef struct {
        const ChannelSpec *spec;
        CatalogSnapshot *catalog;
        ScheduleDay *stored;  /* the day as it is stored; NULL = it is not */
        ScheduleDay *before;  /* the stored day before it; NULL */
        GPtrArray *overrides; /* Override, all of the channel */
        json_t *over;         /* to explain: what stands over the picture then; NULL */
        char day[11];
        Diag *diag;
} Trial;

static void trial_clear(Trial *trial) {
        g_clear_pointer(&trial->catalog, catalog_snapshot_unref);
        g_clear_pointer(&trial->stored, schedule_day_free);
        g_clear_pointer(&trial->before, schedule_day_free);
        g_clear_pointer(&trial->overrides, g_ptr_array_unref);
        g_clear_pointer(&trial->over, json_decref);
        g_clear_pointer(&trial->diag, diag_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Trial, trial_clear)

/* The stored day and the one before it, as far as they are there. */
static bool load_stored(Trial *trial, Store *store, GError **error) {
        char day_before[11];
        schedule_day_step(trial->day, -1, day_before);
        g_autoptr(GPtrArray) days = schedule_store_days(store, trial->spec->id, day_before, error);
        trial->overrides = days ? override_store_list(store, trial->spec->id, error) : NULL;
        if (!trial->overrides)
                return false;
        for (unsigned i = days->len; i > 0; i--) {
                const ScheduleDay *day = g_ptr_array_index(days, i - 1);
                if (g_str_equal(day->day, trial->day))
                        trial->stored = g_ptr_array_steal_index(days, i - 1);
                else if (g_str_equal(day->day, day_before))
                        trial->before = g_ptr_array_steal_index(days, i - 1);
        }
        return true;
}

/* False after a message. */
static bool trial_begin(Trial *trial, const CliLook *look, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        trial->spec = cli_look_channel(look, options->arguments[1]);
        if (!trial->spec)
                return false;
        trial->diag = diag_new();
        schedule_day_of(trial->spec, rv_clock_utc_ms(rv_clock_system()), trial->day);
        if (options->day)
                g_strlcpy(trial->day, options->day, sizeof(trial->day));
        trial->catalog = catalog_load(look->store, &error);
        if (trial->catalog && load_stored(trial, look->store, &error))
                return true;
        cli_fail("%s", error->message);
        return false;
}

/* Where the stored day began, or where the day before ended; else at the beginning of everything. */
static ScheduleFrom trial_from(const Trial *trial) {
        if (trial->stored)
                return (ScheduleFrom){.carry_in_utc_ms = trial->stored->start_utc_ms,
                                      .state = trial->stored->state_before};
        if (trial->before)
                return (ScheduleFrom){.carry_in_utc_ms = trial->before->end_utc_ms,
                                      .state = trial->before->state_after};
        return (ScheduleFrom){0};
}

static void print_faults(const Trial *trial) {
        g_autofree char *faults = diag_text(trial->diag);
        fputs(faults, stderr);
}

static ScheduleDay *compile(const Trial *trial) {
        const ScheduleFrom from = trial_from(trial);
        ScheduleDay *day = schedule_compile(trial->spec, trial->catalog, trial->day, &from, trial->diag);
        print_faults(trial);
        return day;
}

static const char *origin(const Trial *trial) {
        if (trial->stored)
                return "from where the stored day begins";
        return trial->before ? "from where the stored day before ends" : "from the beginning: no day before is stored";
}

static void print_programme(const Trial *trial, const char *mark, const Programme *programme) {
        g_autofree char *time = channel_spec_time(trial->spec, programme->start_utc_ms, "%a %H:%M");
        g_autofree char *title =
                g_strdup_printf("%s%s%s", programme->asset_id ? programme->title : "(filler)",
                                programme->subtitle ? " - " : "", programme->subtitle ? programme->subtitle : "");
        printf("%s%s  %4d min  %-28s %s\n", mark, time,
               (int)((programme->end_utc_ms - programme->start_utc_ms) / 60000),
               programme->entry ? programme->entry : "-", title);
}

int cli_plan_compile(const CliLook *look, const CliOptions *options) {
        g_auto(Trial) trial = {0};
        if (!trial_begin(&trial, look, options))
                return 1;
        g_autoptr(ScheduleDay) day = compile(&trial);
        if (!day)
                return 1;
        if (options->json) {
                cli_print_json(schedule_day_json(day));
                return 0;
        }
        printf("channel %s, broadcast day %s, times of %s, compiled %s\n", trial.spec->id, trial.day,
               trial.spec->timezone, origin(&trial));
        for (unsigned i = 0; i < day->programmes->len; i++)
                print_programme(&trial, "", g_ptr_array_index(day->programmes, i));
        printf("sha256 %s\n", day->sha256);
        return 0;
}

/* --- diff --------------------------------------------------------------------------------------------------------- */

static bool same_programme(const Programme *a, const Programme *b) {
        return g_str_equal(a->id, b->id) && a->end_utc_ms == b->end_utc_ms;
}

/* Both in order of time: what is in one only is marked. Returns how many were. */
static unsigned print_differences(const Trial *trial, const GPtrArray *old, const GPtrArray *new, json_t *list) {
        unsigned i = 0, j = 0, n = 0;
        while (i < old->len || j < new->len) {
                const Programme *a = i < old->len ? g_ptr_array_index(old, i) : NULL;
                const Programme *b = j < new->len ? g_ptr_array_index(new, j) : NULL;
                if (a && b && same_programme(a, b)) {
                        i++;
                        j++;
                        continue;
                }
                const bool removed = !b || (a && a->start_utc_ms <= b->start_utc_ms);
                const Programme *differs = removed ? a : b;
                g_assert(differs);
                n++;
                if (list)
                        json_array_append_new(list,
                                              json_pack("{s:s,s:s,s:I,s:I,s:s}", "change", removed ? "-" : "+", "id",
                                                        differs->id, "start_utc_ms", (json_int_t)differs->start_utc_ms,
                                                        "end_utc_ms", (json_int_t)differs->end_utc_ms, "title",
                                                        differs->title));
                else
                        print_programme(trial, removed ? "- " : "+ ", differs);
                i += removed;
                j += !removed;
        }
        return n;
}

/* Overrides of the stored day, which are no difference of rules. */
static void print_overrides(const Trial *trial, json_t *list) {
        for (guint i = 0; i < trial->overrides->len; i++) {
                const Override *override = trial->overrides->pdata[i];
                if (!override_covers(override, trial->stored))
                        continue;
                if (list) {
                        json_array_append_new(list, override_json(override));
                        continue;
                }
                g_autofree char *start = channel_spec_time(trial->spec, override->start_utc_ms, "%a %H:%M");
                g_autofree char *end = channel_spec_time(trial->spec, override->end_utc_ms, "%H:%M");
                printf("o %s-%s  override %" G_GINT64_FORMAT " (%s) lies over it\n", start, end, override->id,
                       override_kind_name(override->kind));
        }
}

int cli_plan_diff(const CliLook *look, const CliOptions *options) {
        g_auto(Trial) trial = {0};
        if (!trial_begin(&trial, look, options))
                return 1;
        if (!trial.stored)
                return cli_fail(
                        "%s of %s is not planned yet: there is nothing to compare with (`retrovue plan compile`)",
                        trial.day, trial.spec->id);
        g_autoptr(ScheduleDay) day = compile(&trial);
        if (!day)
                return 1;
        g_autoptr(ScheduleDay) ruled = override_lift(trial.stored, trial.overrides);
        json_t *list = options->json ? json_array() : NULL, *overrides = options->json ? json_array() : NULL;
        const unsigned n = print_differences(&trial, ruled->programmes, day->programmes, list);
        print_overrides(&trial, overrides);
        if (options->json)
                cli_print_json(json_pack("{s:s,s:s,s:o,s:o}", "channel", trial.spec->id, "day", trial.day, "changes",
                                         list, "overrides", overrides));
        else
                printf("%u differences%s\n", n, n ? " (- stored, + as rules and catalog are now)" : "");
        return 0;
}

/* --- explain ------------------------------------------------------------------------------------------------------ */

/* "20:30" of the broadcast day; false after a message. */
static bool instant_of(const Trial *trial, const char *text, int64_t *ret_utc_ms) {
        int64_t start = 0, end = 0;
        schedule_day_bounds(trial->spec, trial->day, &start, &end);
        for (int64_t at = start; at < end; at += 60000) {
                g_autofree char *time = channel_spec_time(trial->spec, at, "%H:%M");
                if (strncmp(time, text, 5) == 0) {
                        *ret_utc_ms = at + cli_clock(text) % 60 * 1000;
                        return true;
                }
        }
        cli_fail("there is no %s on %s: clocks are put forward", text, trial->day);
        return false;
}

static void print_field(const json_t *object, const char *key, const char *label) {
        const json_t *value = json_object_get(object, key);
        if (json_is_string(value))
                printf("  %-10s %s\n", label, json_string_value(value));
}

static int64_t integer(const json_t *object, const char *key) {
        return json_integer_value(json_object_get(object, key));
}

/* The asset by its name, while the catalog has it. */
static void print_asset(const Trial *trial, const char *label, const char *asset_id, const char *before) {
        const Asset *asset = asset_id ? catalog_snapshot_find(trial->catalog, asset_id) : NULL;
        g_autofree char *name = asset ? cli_asset_name(asset) : g_strdup(asset_id);
        if (asset_id)
                printf("  %-10s %s%s\n", label, before, name);
}

static void print_choice(const Trial *trial, const json_t *why) {
        const json_t *cursor = json_object_get(why, "cursor");
        const char *mode = json_string_value(json_object_get(why, "mode"));
        const bool drawn = g_str_has_prefix(mode, "random");
        const int held = (int)integer(why, "held"), fit = (int)integer(why, "fit");
        printf("  %-10s %s, mode %s\n", "pool", json_string_value(json_object_get(why, "pool")), mode);
        printf("  %-10s %d in it; with %d minutes of the entry left %d could be chosen", "of", held,
               (int)(integer(why, "room_ms") / 60000), fit);
        if (drawn)
                printf(", %d of these had rested", (int)integer(why, "rested"));
        putchar('\n');
        if (json_is_object(cursor) && !drawn)
                print_asset(trial, "cursor", json_string_value(json_object_get(cursor, "asset")), "after ");
        else if (!drawn)
                printf("  %-10s at the pool's beginning\n", "cursor");
        print_field(why, "last_turn", "last turn");
        if (json_object_get(why, "shown_in_round"))
                printf("  %-10s %d of this round before it\n", "shown", (int)integer(why, "shown_in_round"));
        if (drawn || strcmp(mode, "weighted") == 0)
                print_field(why, "seed", "seed");
}

static void print_why(const Trial *trial, const json_t *why) {
        const json_t *programme = json_object_get(why, "programme"), *entry = json_object_get(why, "entry");
        const int64_t end_utc_ms = integer(programme, "end_utc_ms");
        g_autofree char *time = channel_spec_time(trial->spec, integer(programme, "start_utc_ms"), "%F %H:%M");
        g_autofree char *end = channel_spec_time(trial->spec, end_utc_ms, "%H:%M");
        printf("%s-%s  %s\n", time, end,
               entry ? json_string_value(json_object_get(programme, "title")) : "filler: nothing is planned");
        print_asset(trial, "asset", json_string_value(json_object_get(programme, "asset_id")), "");
        print_field(programme, "asset_id", "id");
        print_field(why, "rule", "rule");
        if (!entry)
                return;
        printf("  %-10s %s, %s:%d:%d\n", "entry", json_string_value(json_object_get(entry, "key")),
               json_string_value(json_object_get(entry, "file")), (int)integer(entry, "line"),
               (int)integer(entry, "column"));
        print_choice(trial, why);
}

static const Programme *stored_at(const Trial *trial, int64_t utc_ms) {
        for (unsigned i = 0; trial->stored && i < trial->stored->programmes->len; i++) {
                const Programme *programme = trial->stored->programmes->pdata[i];
                if (programme->start_utc_ms <= utc_ms && utc_ms < programme->end_utc_ms)
                        return programme;
        }
        return NULL;
}

/* The override that the programme is of; NULL: of none. */
static const Override *override_of(const Trial *trial, const Programme *programme) {
        for (guint i = 0; programme && programme->entry && i < trial->overrides->len; i++) {
                const Override *override = trial->overrides->pdata[i];
                g_autofree char *entry = g_strdup_printf("override@%" G_GINT64_FORMAT, override->id);
                if (g_str_equal(programme->entry, entry))
                        return override;
        }
        return NULL;
}

static const char *text_of(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));
        return text ? text : "";
}

static void print_override(const Trial *trial, const Programme *programme, const Override *override) {
        g_autofree char *start = channel_spec_time(trial->spec, programme->start_utc_ms, "%F %H:%M");
        g_autofree char *end = channel_spec_time(trial->spec, programme->end_utc_ms, "%H:%M");
        g_autofree char *asked = channel_spec_time(trial->spec, override->asked_utc_ms, "%F %H:%M");
        printf("%s-%s  %s\n", start, end, programme->asset_id ? programme->title : "filler");
        print_asset(trial, "asset", programme->asset_id, "");
        printf("  %-10s %" G_GINT64_FORMAT ", %s, asked for at %s\n", "override", override->id,
               override_kind_name(override->kind), asked);
        for (size_t i = 0; i < json_array_size(override->was); i++) {
                const json_t *was = json_array_get(override->was, i);
                g_autofree char *time = channel_spec_time(trial->spec, integer(was, "start_utc_ms"), "%H:%M");
                printf("  %-10s %s  %s %s\n", i == 0 ? "replaced" : "", time, text_of(was, "title"),
                       text_of(was, "subtitle"));
        }
}

/* False: it is not of an override. */
static bool explain_override(const Trial *trial, const CliOptions *options, int64_t utc_ms, json_t *explained) {
        const Programme *programme = stored_at(trial, utc_ms);
        const Override *override = override_of(trial, programme);
        if (!override)
                return false;
        if (options->json) {
                json_t *record = override_json(override);
                json_object_set(record, "replaced", override->was);
                cli_print_json(
                        json_pack("{s:o,s:{s:s,s:I,s:I,s:s,s:s?},s:b,s:O*,s:O*}", "override", record, "programme", "id",
                                  programme->id, "start_utc_ms", (json_int_t)programme->start_utc_ms, "end_utc_ms",
                                  (json_int_t)programme->end_utc_ms, "title", programme->title, "asset_id",
                                  programme->asset_id, "stored", 1, "break", explained, "graphics", trial->over));
                return true;
        }
        print_override(trial, programme, override);
        cli_print_over(trial->spec, trial->over);
        if (explained)
                cli_print_break(trial->spec, explained);
        return true;
}

static bool is_stored(const Trial *trial, const json_t *why) {
        const char *id = json_string_value(json_object_get(json_object_get(why, "programme"), "id"));
        for (unsigned i = 0; trial->stored && i < trial->stored->programmes->len; i++)
                if (g_strcmp0(((const Programme *)g_ptr_array_index(trial->stored->programmes, i))->id, id) == 0)
                        return true;
        return false;
}

/* The exit status. */
static int explain_rules(const Trial *trial, const CliOptions *options, int64_t utc_ms, json_t *explained) {
        const ScheduleFrom from = trial_from(trial);
        json_t *why = schedule_explain(trial->spec, trial->catalog, trial->day, &from, utc_ms, trial->diag);
        print_faults(trial);
        if (!why)
                return 1;
        const bool stored = is_stored(trial, why);
        json_object_set_new(why, "stored", json_boolean(stored));
        if (explained)
                json_object_set(why, "break", explained);
        if (trial->over)
                json_object_set(why, "graphics", trial->over);
        if (options->json) {
                cli_print_json(why);
                return 0;
        }
        print_why(trial, why);
        cli_print_over(trial->spec, trial->over);
        if (!stored)
                puts("  This is not what is stored: rules or catalog have changed since, or it is not planned yet.");
        if (explained)
                cli_print_break(trial->spec, explained);
        json_decref(why);
        return 0;
}

int cli_plan_explain(const CliLook *look, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        g_auto(Trial) trial = {0};
        int64_t utc_ms = rv_clock_utc_ms(rv_clock_system());
        if (!trial_begin(&trial, look, options) ||
            (options->arguments[2] && !instant_of(&trial, options->arguments[2], &utc_ms)))
                return 1;
        json_t *explained = cli_explain_break(look, trial.spec, trial.catalog, utc_ms, &error);
        trial.over = error ? NULL : cli_explain_over(look, trial.spec, utc_ms, &error);
        if (error)
                cli_fail("%s", error->message);
        const int status = explain_override(&trial, options, utc_ms, explained)
                                   ? 0
                                   : explain_rules(&trial, options, utc_ms, explained);
        json_decref(explained);
        return status;
}
