/*
 * Overrides in a plan. Their programmes are laid over what the rules compile, each time that a day is compiled; the
 * rotation goes on as if they were not there. In the locked part the blocks are exchanged with them.
 */
#include "core/plan/horizon/override.h"

#include <string.h>

#include "core/plan/horizon/channel_plan.h"
#include "proto/base/id.h"
#include "proto/base/log.h"

#define REFUSAL_SHOWN_MS INT64_C(3600000) /* after its time, and after it was refused */
#define REFUSALS_MAX 16                   /* spots passed over before the override is refused */
#define DAYS_KEPT_MS INT64_C(172800000)

static int64_t start_of(const json_t *programme) {
        return json_integer_value(json_object_get(programme, "start_utc_ms"));
}

static int64_t end_of(const json_t *programme) {
        return json_integer_value(json_object_get(programme, "end_utc_ms"));
}

/* --- programmes of overrides ----------------------------------------------------------------------------------------
 */

static json_t *new_programme(const ChannelPlan *plan, int64_t override_id, int64_t start_utc_ms, int64_t end_utc_ms) {
        char uuid[RV_UUID_SIZE];
        g_autofree char *name = g_strdup_printf("override/%s/%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, plan->spec->id,
                                                override_id, start_utc_ms);
        rv_uuid_named(name, uuid);
        g_autoptr(GDateTime) start = g_date_time_new_from_unix_utc(start_utc_ms / 1000);
        g_autofree char *stamp = g_date_time_format(start, "%Y%m%dT%H%M%SZ");
        g_autofree char *id = g_strdup_printf("%s-%.8s%.4s%.3s", stamp, uuid, uuid + 9, uuid + 15);
        g_autofree char *entry = g_strdup_printf("override@%" G_GINT64_FORMAT, override_id);
        return json_pack("{s:s,s:I,s:I,s:s,s:[],s:s,s:s}", "id", id, "start_utc_ms", (json_int_t)start_utc_ms,
                         "end_utc_ms", (json_int_t)end_utc_ms, "title", plan->spec->name, "genres", "kind",
                         asset_kind_name(ASSET_FILLER), "entry", entry);
}

static void put_text(json_t *object, const char *key, const char *text) {
        if (text)
                json_object_set_new(object, key, json_string(text));
}

static json_t *special(const ChannelPlan *plan, const Override *override, const Asset *asset, int64_t start_utc_ms,
                       int64_t end_utc_ms) {
        json_t *programme = new_programme(plan, override->id, start_utc_ms, end_utc_ms), *genres = json_array();
        const bool episode = asset->kind == ASSET_EPISODE && asset->series;
        put_text(programme, "title", episode ? asset->series : asset->title);
        put_text(programme, "subtitle", episode ? asset->title : NULL);
        put_text(programme, "series", episode ? asset->series : NULL);
        put_text(programme, "description", asset->description);
        put_text(programme, "rating", asset->rating);
        put_text(programme, "kind", asset_kind_name(asset->kind));
        put_text(programme, "asset_id", asset->id);
        json_object_set_new(programme, "season", json_integer(episode ? asset->season : 0));
        json_object_set_new(programme, "episode", json_integer(episode ? asset->episode : 0));
        json_object_set_new(programme, "year", json_integer(asset->year));
        json_object_set_new(programme, "content_ms", json_integer(asset->duration_ms));
        for (char **genre = asset->genres; genre && *genre; genre++)
                json_array_append_new(genres, json_string(*genre));
        json_object_set_new(programme, "genres", genres);
        return programme;
}

static void add_filler(json_t *programmes, const ChannelPlan *plan, int64_t override_id, int64_t from_utc_ms,
                       int64_t to_utc_ms) {
        if (to_utc_ms > from_utc_ms)
                json_array_append_new(programmes, new_programme(plan, override_id, from_utc_ms, to_utc_ms));
}

/* --- a row of programmes with others in it --------------------------------------------------------------------------
 */

/* The instant from which on and until which whole programmes touch [from, to). */
static void widen(const json_t *programmes, int64_t *from_utc_ms, int64_t *to_utc_ms) {
        const int64_t from = *from_utc_ms, to = *to_utc_ms;
        for (size_t i = 0; i < json_array_size(programmes); i++) {
                const json_t *programme = json_array_get(programmes, i);
                if (end_of(programme) <= from || start_of(programme) >= to)
                        continue;
                *from_utc_ms = MIN(*from_utc_ms, start_of(programme));
                *to_utc_ms = MAX(*to_utc_ms, end_of(programme));
        }
}

/* Programmes with others in the place of all that touch [from, to); filler where those were longer. */
static json_t *splice(const ChannelPlan *plan, const json_t *programmes, const Override *override,
                      const json_t *others) {
        json_t *row = json_array();
        const size_t n = json_array_size(others);
        const int64_t from = start_of(json_array_get(others, 0)), to = end_of(json_array_get(others, n - 1));
        int64_t wide_from = from, wide_to = to;
        size_t i = 0;
        widen(programmes, &wide_from, &wide_to);
        for (; i < json_array_size(programmes) && start_of(json_array_get(programmes, i)) < wide_from; i++)
                json_array_append(row, json_array_get(programmes, i));
        add_filler(row, plan, override->id, wide_from, from);
        json_array_extend(row, (json_t *)others);
        add_filler(row, plan, override->id, to, wide_to);
        for (; i < json_array_size(programmes); i++)
                if (start_of(json_array_get(programmes, i)) >= wide_to)
                        json_array_append(row, json_array_get(programmes, i));
        return row;
}

/* The day with these programmes (taken). A document that we made ourselves is sound. */
static ScheduleDay *day_with(const ScheduleDay *day, json_t *take_programmes) {
        json_t *document = schedule_day_json(day);
        json_object_set_new(document, "programmes", take_programmes);
        ScheduleDay *made = schedule_day_from_json(document, day->state_before, day->state_after, NULL);
        json_decref(document);
        g_assert(made);
        return made;
}

static json_t *programmes_of(const ScheduleDay *day) {
        json_t *document = schedule_day_json(day);
        json_t *programmes = json_incref(json_object_get(document, "programmes"));
        json_decref(document);
        return programmes;
}

#define OVERRIDE_TIME "%Y-%m-%dT%H:%M" /* as `override` takes it */

/* --- what may be asked for ------------------------------------------------------------------------------------------
 */

static const Programme *programme_of_day(const ScheduleDay *day, int64_t utc_ms) {
        for (guint i = 0; i < day->programmes->len; i++) {
                const Programme *programme = day->programmes->pdata[i];
                if (programme->start_utc_ms <= utc_ms && utc_ms < programme->end_utc_ms)
                        return programme;
        }
        return NULL;
}

/* Why the asset does not go where the programme is; NULL: it does. */
static char *misfit(const ChannelSpec *spec, const Asset *asset, const ScheduleDay *day, const Programme *at,
                    OverrideKind kind) {
        const int64_t slot = schedule_slot_ms(spec, asset->duration_ms), room = at->end_utc_ms - at->start_utc_ms;
        if (kind == OVERRIDE_REPLACE && slot > room)
                return g_strdup_printf(
                        "\"%s\" needs %d minutes and the programme there has %d: insert it, and it covers what "
                        "follows as well",
                        asset->title, (int)(slot / 60000), (int)(room / 60000));
        if (kind == OVERRIDE_INSERT && at->start_utc_ms + slot > day->end_utc_ms)
                return g_strdup("it would run over the end of the broadcast day");
        return NULL;
}

char *override_objection(const ChannelSpec *spec, const CatalogSnapshot *catalog, const ScheduleDay *day,
                         const Override *override) {
        const Asset *asset =
                override->kind != OVERRIDE_SKIP ? channel_spec_asset(spec, catalog, override->asset_id) : NULL;
        const Programme *at = day ? programme_of_day(day, override->at_utc_ms) : NULL;
        if (override->kind != OVERRIDE_SKIP && (!asset || !asset_eligible(asset)))
                return g_strdup_printf("asset %s may not be planned: `retrovue catalog show` says why",
                                       override->asset_id);
        if (!day)
                return NULL;
        if (!at)
                return g_strdup("nothing is planned for that instant");
        if (override->kind == OVERRIDE_INSERT && at->start_utc_ms != override->at_utc_ms) {
                g_autofree char *start = channel_spec_time(spec, at->start_utc_ms, OVERRIDE_TIME);
                g_autofree char *end = channel_spec_time(spec, at->end_utc_ms, OVERRIDE_TIME);
                return g_strdup_printf("no programme begins then; one begins at %s and the next at %s", start, end);
        }
        return asset ? misfit(spec, asset, day, at, override->kind) : NULL;
}

const ScheduleDay *override_place(const GPtrArray *days, int64_t utc_ms, const Programme **ret_planned) {
        for (guint i = 0; i < days->len; i++) {
                *ret_planned = programme_of_day(days->pdata[i], utc_ms);
                if (*ret_planned)
                        return days->pdata[i];
        }
        *ret_planned = NULL;
        return NULL;
}

static bool in_force(const Override *override) {
        return override->state == OVERRIDE_IN_FORCE || override->state == OVERRIDE_CANCELLING;
}

bool override_covers(const Override *override, const ScheduleDay *day) {
        return in_force(override) && override->start_utc_ms >= day->start_utc_ms &&
               override->start_utc_ms < day->end_utc_ms;
}

/* Programmes as they were before the override was put in force. */
static json_t *without(const json_t *programmes, const Override *override) {
        json_t *row = json_array();
        size_t i = 0;
        for (; i < json_array_size(programmes) && start_of(json_array_get(programmes, i)) < override->start_utc_ms; i++)
                json_array_append(row, json_array_get(programmes, i));
        json_array_extend(row, override->was);
        for (; i < json_array_size(programmes); i++)
                if (start_of(json_array_get(programmes, i)) >= override->end_utc_ms)
                        json_array_append(row, json_array_get(programmes, i));
        return row;
}

ScheduleDay *override_lift(const ScheduleDay *day, const GPtrArray *overrides) {
        json_t *programmes = programmes_of(day);
        for (guint i = overrides->len; i > 0; i--) {
                const Override *override = overrides->pdata[i - 1];
                if (!override_covers(override, day))
                        continue;
                json_t *before = without(programmes, override);
                json_decref(programmes);
                programmes = before;
        }
        return day_with(day, programmes);
}

/* --- compiled days --------------------------------------------------------------------------------------------------
 */

static bool usable(const ChannelPlan *plan, const char *asset_id) {
        const Asset *asset = channel_spec_asset(plan->spec, plan->catalog, asset_id);
        return asset && asset_eligible(asset) && !g_hash_table_contains(plan->excluded, asset_id);
}

/* What is locked stays as it is; beyond that, what can no longer be played is filler. */
static json_t *laid(const ChannelPlan *plan, const Override *override) {
        if (!override->asset_id || override->start_utc_ms < channel_plan_execution_end(plan) ||
            usable(plan, override->asset_id))
                return json_incref(override->becomes);
        json_t *filler = json_array();
        add_filler(filler, plan, override->id, override->start_utc_ms, override->end_utc_ms);
        return filler;
}

ScheduleDay *channel_plan_lay_overrides(const ChannelPlan *plan, ScheduleDay *take_day) {
        for (guint i = 0; i < plan->overrides->len; i++) {
                const Override *override = plan->overrides->pdata[i];
                if (!override_covers(override, take_day))
                        continue;
                json_t *programmes = programmes_of(take_day), *others = laid(plan, override);
                ScheduleDay *made = day_with(take_day, splice(plan, programmes, override, others));
                json_decref(others);
                json_decref(programmes);
                schedule_day_free(take_day);
                take_day = made;
        }
        return take_day;
}

/* INV-HORIZON-OVERRIDE-001: rotation goes over what the rules had planned. */
GPtrArray *channel_plan_lift_overrides(const ChannelPlan *plan, const ScheduleDay *day, int64_t until_utc_ms) {
        json_t *programmes = programmes_of(day), *kept = json_array();
        for (size_t i = 0; i < json_array_size(programmes); i++)
                if (start_of(json_array_get(programmes, i)) < until_utc_ms)
                        json_array_append(kept, json_array_get(programmes, i));
        json_decref(programmes);
        for (guint i = plan->overrides->len; i > 0; i--) {
                const Override *override = plan->overrides->pdata[i - 1];
                if (!in_force(override) || override->start_utc_ms < day->start_utc_ms ||
                    override->start_utc_ms >= MIN(day->end_utc_ms, until_utc_ms))
                        continue;
                json_t *before = splice(plan, kept, override, override->was);
                json_decref(kept);
                kept = before;
        }
        GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)programme_unref);
        if (json_array_size(kept) == 0) {
                json_decref(kept);
                return list;
        }
        g_autoptr(ScheduleDay) lifted = day_with(day, kept);
        for (guint i = 0; i < lifted->programmes->len; i++)
                g_ptr_array_add(list, programme_ref(lifted->programmes->pdata[i]));
        return list;
}

/* --- putting in force -----------------------------------------------------------------------------------------------
 */

typedef struct {
        ChannelPlan *plan;
        PlanBoard *board;
        Override *override;
        const char *logs_dir;
        int64_t now_utc_ms;
        bool failed;    /* not refused: it is tried again */
        guint day;      /* of plan->days */
        json_t *others; /* what is to be laid */
} Change;

/* The end of what is on the air. */
static int64_t on_air_until(const ChannelPlan *plan, int64_t now_utc_ms) {
        const Programme *on_air = channel_plan_programme_at(plan, now_utc_ms);
        int64_t until = on_air ? on_air->end_utc_ms : now_utc_ms;
        for (guint i = 0; i < plan->blocks->len; i++) {
                const BlockPlan *block = plan->blocks->pdata[i];
                if (block->start_utc_ms <= now_utc_ms && block->end_utc_ms > now_utc_ms)
                        until = MAX(until, block->end_utc_ms);
        }
        return until;
}

static bool G_GNUC_PRINTF(2, 3) refuse(Change *change, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_free(change->override->detail);
        change->override->detail = g_strdup_vprintf(format, args);
        va_end(args);
        return false;
}

/* The store or a file refuses: the override stays as it is and is tried again. */
static bool fail(Change *change, const GError *error) {
        change->failed = true;
        channel_plan_fault(change->plan, "override %" G_GINT64_FORMAT " cannot be put in force yet: %s",
                           change->override->id, error->message);
        return false;
}

static bool find_day(Change *change, int64_t utc_ms) {
        for (guint i = 0; i < change->plan->days->len; i++) {
                const ScheduleDay *day = change->plan->days->pdata[i];
                if (utc_ms < day->start_utc_ms || utc_ms >= day->end_utc_ms)
                        continue;
                change->day = i;
                return true;
        }
        return refuse(change, "nothing is planned for that instant");
}

/* What the override asks for, as programmes. It may be: override_objection. */
static void choose(Change *change, const Programme *at) {
        const ChannelPlan *plan = change->plan;
        const Override *override = change->override;
        change->others = json_array();
        if (override->kind == OVERRIDE_SKIP) {
                add_filler(change->others, plan, override->id, at->start_utc_ms, at->end_utc_ms);
                return;
        }
        const Asset *asset = channel_spec_asset(plan->spec, plan->catalog, override->asset_id);
        const int64_t end_utc_ms = override->kind == OVERRIDE_REPLACE
                                           ? at->end_utc_ms
                                           : at->start_utc_ms + schedule_slot_ms(plan->spec, asset->duration_ms);
        json_array_append_new(change->others, special(plan, override, asset, at->start_utc_ms, end_utc_ms));
}

/* Blocks of the programmes of the changed day that lie in the locked part; NULL: refused. */
static GPtrArray *fill(Change *change, const ScheduleDay *day, int64_t from_utc_ms, int64_t to_utc_ms) {
        ChannelPlan *plan = change->plan;
        const int64_t locked_until = channel_plan_execution_end(plan);
        g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        g_autoptr(TrafficHistory) history = traffic_history_new();
        g_autoptr(GError) error = NULL;
        if (!traffic_history_take_up(history, plan->store, plan->spec, change->now_utc_ms, &error)) {
                fail(change, error);
                return NULL;
        }
        for (guint i = 0; i < day->programmes->len; i++) {
                const Programme *programme = day->programmes->pdata[i];
                if (programme->start_utc_ms < from_utc_ms || programme->start_utc_ms >= MIN(to_utc_ms, locked_until))
                        continue;
                g_autoptr(GArray) items = traffic_fill(channel_plan_inventory(plan), history, channel_plan_coming(plan),
                                                       programme, NULL, &error);
                if (!items) {
                        refuse(change, "%s", error->message);
                        return NULL;
                }
                BlockPlan *block = transmission_log_block(plan->spec, programme, items);
                transmission_log_dress(block, plan->spec, programme,
                                       channel_plan_next_shown(plan, day, programme->end_utc_ms));
                g_ptr_array_add(blocks, block);
        }
        return g_steal_pointer(&blocks);
}

static const BlockPlan *block_before(const ChannelPlan *plan, int64_t utc_ms) {
        for (guint i = 0; i < plan->blocks->len; i++)
                if (((const BlockPlan *)plan->blocks->pdata[i])->end_utc_ms == utc_ms)
                        return plan->blocks->pdata[i];
        return NULL;
}

/* Whether the asset at fault is left out from now on; not when it is left out already. */
static bool leave_out(Change *change, const char *asset_id, TlFault fault) {
        ChannelPlan *plan = change->plan;
        if (!asset_id || g_strcmp0(asset_id, change->override->asset_id) == 0 ||
            !g_hash_table_insert(plan->excluded, g_strdup(asset_id), GINT_TO_POINTER(fault)))
                return false;
        g_clear_pointer(&plan->inventory, traffic_inventory_free);
        return true;
}

/* The blocks, fit to be locked: spots whose files are gone are passed over. NULL: refused. */
static GPtrArray *fill_checked(Change *change, const ScheduleDay *day, int64_t from_utc_ms, int64_t to_utc_ms) {
        const ChannelPlan *plan = change->plan;
        for (unsigned i = 0; i < REFUSALS_MAX; i++) {
                g_autoptr(GPtrArray) blocks = fill(change, day, from_utc_ms, to_utc_ms);
                g_auto(TlRefusal) refusal = {0};
                if (!blocks || blocks->len == 0)
                        return g_steal_pointer(&blocks);
                const TlRules rules = {.spec = plan->spec,
                                       .catalog = plan->catalog,
                                       .unit_ms = plan->spec->grid_minutes * INT64_C(60000),
                                       .previous = block_before(plan, from_utc_ms)};
                const TlFault fault = transmission_log_check(&rules, blocks, &refusal);
                if (fault == TL_OK)
                        return g_steal_pointer(&blocks);
                refuse(change, "%s", refusal.detail);
                if (!leave_out(change, refusal.asset_id, fault))
                        return NULL;
        }
        return NULL;
}

/* INV-HORIZON-OVERRIDE-001: day, blocks and record in one transaction, after the old log has its files. */
static bool store_change(Change *change, const ScheduleDay *day, const TlReplacement *replacement) {
        const ChannelPlan *plan = change->plan;
        Store *store = plan->store;
        g_autoptr(GError) error = NULL;
        const bool locked = replacement->blocks->len > 0;
        if ((!locked ||
             transmission_log_keep(store, plan->spec, replacement, change->logs_dir, change->now_utc_ms, &error)) &&
            store_begin(store, &error)) {
                if (schedule_store_put(store, day, &error) &&
                    (!locked || transmission_log_replace(store, plan->spec, replacement, change->now_utc_ms, &error)) &&
                    override_store_decide(store, change->override, &error)) {
                        if (store_commit(store, &error))
                                return true;
                } else {
                        store_rollback(store);
                }
        }
        return fail(change, error);
}

/* Blocks that start in the time replaced give way to others. */
static void exchange_blocks(ChannelPlan *plan, const TlReplacement *replacement) {
        GPtrArray *row = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        bool placed = false;
        for (guint i = 0; i <= plan->blocks->len; i++) {
                const BlockPlan *block = i < plan->blocks->len ? plan->blocks->pdata[i] : NULL;
                if (!placed && (!block || block->start_utc_ms >= replacement->from_utc_ms)) {
                        for (guint j = 0; j < replacement->blocks->len; j++)
                                g_ptr_array_add(row, block_plan_ref(replacement->blocks->pdata[j]));
                        placed = true;
                }
                if (block &&
                    (block->start_utc_ms < replacement->from_utc_ms || block->start_utc_ms >= replacement->to_utc_ms))
                        g_ptr_array_add(row, block_plan_ref(block));
        }
        g_ptr_array_unref(plan->blocks);
        plan->blocks = row;
        traffic_history_free(plan->history); /* taken up anew from the store */
        plan->history = traffic_history_new();
}

static json_t *part_of(const json_t *programmes, int64_t from_utc_ms, int64_t to_utc_ms) {
        json_t *part = json_array();
        for (size_t i = 0; i < json_array_size(programmes); i++) {
                json_t *programme = json_array_get(programmes, i);
                if (start_of(programme) >= from_utc_ms && start_of(programme) < to_utc_ms)
                        json_array_append(part, programme);
        }
        return part;
}

/* Nobody is handed any more what begins then or later; false: somebody was. */
static bool hold(Change *change, int64_t from_utc_ms) {
        int64_t until = on_air_until(change->plan, change->now_utc_ms);
        if (from_utc_ms >= until && plan_board_hold(change->board, change->plan->spec->id, from_utc_ms, &until))
                return true;
        g_autofree char *earliest = channel_spec_time(change->plan->spec, until, OVERRIDE_TIME);
        return refuse(change, "too late: what begins before %s is past, on the air, or handed to the engine already",
                      earliest);
}

static BlockPlan *copy_of(const BlockPlan *block) {
        Retrovue__Playout__V1__BlockPlan *message = block_plan_to_message(block);
        BlockPlan *copy = block_plan_from_message(message);
        block_plan_message_free(message);
        g_assert(copy); /* it was locked */
        return copy;
}

/* INV-HORIZON-NEXT-001: the locked blocks before the change that say what comes after them, filler between passed
 * over, as they say it now. None of them, when one is handed out already or nothing of the kind is said. */
static GPtrArray *say_anew(const Change *change, const ScheduleDay *made, int64_t from_utc_ms) {
        const ChannelPlan *plan = change->plan;
        GPtrArray *anew = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        int64_t at_utc_ms = from_utc_ms;
        for (guint i = plan->blocks->len; i-- > 0 && channel_plan_says_next(plan);) {
                const BlockPlan *block = plan->blocks->pdata[i];
                const Programme *programme = channel_plan_programme_at(plan, block->start_utc_ms);
                if (block->end_utc_ms != at_utc_ms || !programme)
                        continue;
                BlockPlan *copy = copy_of(block);
                transmission_log_dress(copy, plan->spec, programme, channel_plan_next_shown(plan, made, at_utc_ms));
                g_ptr_array_insert(anew, 0, copy);
                at_utc_ms = block->start_utc_ms;
                if (programme->asset_id)
                        break;
        }
        int64_t until = 0;
        if (anew->len > 0 && (at_utc_ms < on_air_until(plan, change->now_utc_ms) ||
                              !plan_board_hold(change->board, plan->spec->id, at_utc_ms, &until)))
                g_ptr_array_set_size(anew, 0);
        return anew;
}

/* Lays change->others into the day, in the guide and as far as it is locked; the record says so. */
static bool lay(Change *change, OverrideState state) {
        ChannelPlan *plan = change->plan;
        Override *override = change->override;
        const ScheduleDay *day = plan->days->pdata[change->day];
        json_t *programmes = programmes_of(day);
        int64_t from = start_of(json_array_get(change->others, 0));
        int64_t to = end_of(json_array_get(change->others, json_array_size(change->others) - 1));
        widen(programmes, &from, &to);
        g_autoptr(ScheduleDay) made = day_with(day, splice(plan, programmes, override, change->others));
        if (state == OVERRIDE_IN_FORCE) {
                override->start_utc_ms = from;
                override->end_utc_ms = to;
                override->was = part_of(programmes, from, to);
                json_t *after = programmes_of(made);
                override->becomes = part_of(after, from, to);
                json_decref(after);
        }
        json_decref(programmes);
        if (to > day->end_utc_ms)
                return refuse(change, "it would run over the end of the broadcast day");
        if (!hold(change, from))
                return false;
        g_autoptr(GPtrArray) filled = fill_checked(change, made, from, to);
        if (!filled)
                return false;
        g_autoptr(GPtrArray) blocks = say_anew(change, made, from);
        const int64_t first = blocks->len > 0 ? ((const BlockPlan *)blocks->pdata[0])->start_utc_ms : from;
        g_ptr_array_extend_and_steal(blocks, g_steal_pointer(&filled));
        const TlReplacement replacement = {first, to, blocks};
        g_clear_pointer(&override->detail, g_free);
        override->state = state;
        override->decided_utc_ms = change->now_utc_ms;
        if (!store_change(change, made, &replacement))
                return false;
        if (blocks->len > 0)
                exchange_blocks(plan, &replacement);
        schedule_day_free(plan->days->pdata[change->day]);
        plan->days->pdata[change->day] = g_steal_pointer(&made);
        channel_plan_days_changed(plan);
        return true;
}

static bool put_in_force(Change *change) {
        const ChannelPlan *plan = change->plan;
        const int64_t at = change->override->at_utc_ms;
        if (!find_day(change, at))
                return false;
        g_autofree char *objection =
                override_objection(plan->spec, plan->catalog, plan->days->pdata[change->day], change->override);
        if (objection)
                return refuse(change, "%s", objection);
        choose(change, channel_plan_programme_at(plan, at));
        return lay(change, OVERRIDE_IN_FORCE);
}

static bool take_back(Change *change) {
        const Override *override = change->override;
        for (guint i = 0; i < change->plan->overrides->len; i++) {
                const Override *other = change->plan->overrides->pdata[i];
                if (other->id > override->id && in_force(other) && other->start_utc_ms < override->end_utc_ms &&
                    other->end_utc_ms > override->start_utc_ms)
                        return refuse(change, "override %" G_GINT64_FORMAT " lies over it: cancel that one first",
                                      other->id);
        }
        if (!find_day(change, override->start_utc_ms))
                return false;
        change->others = json_incref(override->was);
        return lay(change, OVERRIDE_CANCELLED);
}

/* As it was before it was tried. */
static void take_down(Override *override, OverrideState state) {
        override->state = state;
        if (state != OVERRIDE_ASKED && state != OVERRIDE_REFUSED)
                return;
        override->start_utc_ms = override->end_utc_ms = 0;
        g_clear_pointer(&override->was, json_decref);
        g_clear_pointer(&override->becomes, json_decref);
}

/* The record of what did not come about. */
static void store_refusal(Change *change, OverrideState state) {
        Override *override = change->override;
        g_autoptr(GError) error = NULL;
        take_down(override, state);
        override->decided_utc_ms = change->now_utc_ms;
        if (!override_store_decide(change->plan->store, override, &error))
                channel_plan_fault(change->plan, "an override's record cannot be stored: %s", error->message);
}

static void decide(Change *change) {
        Override *override = change->override;
        const OverrideState before = override->state;
        const bool asked = before == OVERRIDE_ASKED;
        if (asked && override->at_utc_ms >= channel_plan_epg_end(change->plan))
                return; /* the guide does not reach that far yet */
        const bool done = asked ? put_in_force(change) : take_back(change);
        if (!done && change->failed)
                take_down(override, before);
        else if (!done)
                store_refusal(change, asked ? OVERRIDE_REFUSED : OVERRIDE_IN_FORCE);
        g_clear_pointer(&change->others, json_decref);
        rv_log(done ? RV_LOG_INFO : RV_LOG_WARNING, "horizon.override", RV_S("channel", change->plan->spec->id),
               RV_I("id", override->id), RV_S("kind", override_kind_name(override->kind)),
               RV_S("state", override_state_name(override->state)), RV_S("detail", override->detail));
}

bool channel_plan_load_overrides(ChannelPlan *plan, int64_t now_utc_ms, GError **error) {
        GPtrArray *overrides = override_store_live(plan->store, plan->spec->id, now_utc_ms - DAYS_KEPT_MS, error);
        if (!overrides)
                return false;
        g_ptr_array_unref(plan->overrides);
        plan->overrides = overrides;
        return true;
}

void channel_plan_apply_overrides(ChannelPlan *plan, PlanBoard *board, const char *logs_dir, int64_t now_utc_ms) {
        g_autoptr(GError) error = NULL;
        if (!channel_plan_load_overrides(plan, now_utc_ms, &error)) {
                channel_plan_fault(plan, "overrides cannot be read: %s", error->message);
                return;
        }
        for (guint i = 0; i < plan->overrides->len; i++) {
                Override *override = plan->overrides->pdata[i];
                Change change = {.plan = plan,
                                 .board = board,
                                 .override = override,
                                 .logs_dir = logs_dir,
                                 .now_utc_ms = now_utc_ms};
                if (override->state == OVERRIDE_ASKED || override->state == OVERRIDE_CANCELLING)
                        decide(&change);
        }
}

/* --- what an operator should know ----------------------------------------------------------------------------------
 */

static void G_GNUC_PRINTF(3, 4) notice(ChannelPlan *plan, const Override *override, const char *format, ...) {
        g_autofree char *at = channel_spec_time(plan->spec, override->at_utc_ms, OVERRIDE_TIME);
        va_list args;
        va_start(args, format);
        g_autofree char *what = g_strdup_vprintf(format, args);
        va_end(args);
        g_ptr_array_add(plan->notices, g_strdup_printf("override %" G_GINT64_FORMAT " (%s at %s) %s", override->id,
                                                       override_kind_name(override->kind), at, what));
}

static bool lies_under_another(const ChannelPlan *plan, const Override *override) {
        for (guint i = 0; i < plan->overrides->len; i++) {
                const Override *other = plan->overrides->pdata[i];
                if (other->id > override->id && in_force(other) && other->start_utc_ms < override->end_utc_ms &&
                    other->end_utc_ms > override->start_utc_ms)
                        return true;
        }
        return false;
}

static bool is_planned(const ChannelPlan *plan, const Override *override) {
        g_autofree char *entry = g_strdup_printf("override@%" G_GINT64_FORMAT, override->id);
        for (guint i = 0; i < plan->days->len; i++) {
                const ScheduleDay *day = plan->days->pdata[i];
                for (guint j = 0; j < day->programmes->len; j++) {
                        const Programme *programme = day->programmes->pdata[j];
                        if (g_strcmp0(programme->entry, entry) == 0 &&
                            g_strcmp0(programme->asset_id, override->asset_id) == 0)
                                return true;
                }
        }
        return false;
}

void channel_plan_review_overrides(ChannelPlan *plan, int64_t now_utc_ms) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) troubled =
                override_store_troubled(plan->store, plan->spec->id, now_utc_ms - REFUSAL_SHOWN_MS, &error);
        g_ptr_array_set_size(plan->notices, 0);
        if (!troubled) {
                channel_plan_fault(plan, "overrides cannot be read: %s", error->message);
                return;
        }
        for (guint i = 0; i < troubled->len; i++) {
                const Override *override = troubled->pdata[i];
                notice(plan, override, "%s: %s",
                       override->state == OVERRIDE_REFUSED ? "was refused" : "could not be taken back",
                       override->detail);
        }
        for (guint i = 0; i < plan->overrides->len; i++) {
                const Override *override = plan->overrides->pdata[i];
                if (in_force(override) && override->start_utc_ms > now_utc_ms && !is_planned(plan, override) &&
                    !lies_under_another(plan, override))
                        notice(plan, override, "does not air as asked: what it names cannot be played now");
        }
}
