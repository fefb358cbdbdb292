#include <string.h>

#include "core/base/store.h"
#include "core/burnin/private.h"
#include "core/plan/transmission_log/transmission_log.h"

/* What engines have open, and what is on its way, is left alone. */
#define AHEAD_MS (6 * MINUTE_MS)
/* So long after it began to miss the plan a feed is late enough. */
#define LATE_MS (2 * MINUTE_MS)
/* What comes after a fault is to be seen, too. */
#define AFTERMATH_MS (10 * MINUTE_MS)
/* From one injection to the next. */
#define QUIET_MS (DEATH_MS + 2 * MINUTE_MS)

struct Injector {
        const BurninOptions *options;
        Rig *rig;
        Course *course;
        GRand *rand;
        BurninCause due[BURNIN_CAUSES]; /* in the order of their times */
        int64_t at_utc_ms[BURNIN_CAUSES];
        unsigned n, next;
        int64_t quiet_until_utc_ms; /* what was done last is seen by itself */
        int64_t late_until_utc_ms;  /* the plan's end, while it is held; 0: it is not */
        int64_t seen_by_utc_ms;     /* when all that was done so far has been shown */
        GHashTable *harmed;         /* files */
};

static void shuffle(Injector *injector) {
        for (unsigned i = injector->n; i > 1; i--) {
                const unsigned k = (unsigned)g_rand_int_range(injector->rand, 0, (gint32)i);
                const BurninCause kept = injector->due[i - 1];
                injector->due[i - 1] = injector->due[k];
                injector->due[k] = kept;
        }
}

/* Files first and early, so that what names them is yet to come; the rest in any order. */
static void lay_out(Injector *injector, int64_t from_utc_ms) {
        static const BurninCause others[] = {BURNIN_LATE_FEED, BURNIN_DEAD_AIR, BURNIN_DEAD_CORE};
        static const BurninCause files[] = {BURNIN_MISSING_FILE, BURNIN_CORRUPT_CLIP};
        for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
                if (injector->options->inject & others[i])
                        injector->due[injector->n++] = others[i];
        shuffle(injector);
        for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
                if (injector->options->inject & files[i]) {
                        injector->due[injector->n] = injector->due[0];
                        memmove(injector->due + 1, injector->due, injector->n * sizeof injector->due[0]);
                        injector->due[0] = files[i];
                        injector->n++;
                }
        for (unsigned i = 0; i < injector->n; i++)
                injector->at_utc_ms[i] =
                        from_utc_ms + injector->options->length_ms * (i + 1) / (2 * (int64_t)injector->n + 1);
}

Injector *injector_new(const BurninOptions *options, Rig *rig, Course *course, int64_t from_utc_ms) {
        Injector *injector = g_new0(Injector, 1);
        injector->options = options;
        injector->rig = rig;
        injector->course = course;
        injector->rand = g_rand_new_with_seed(options->seed);
        injector->harmed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        lay_out(injector, from_utc_ms);
        return injector;
}

void injector_free(Injector *injector) {
        if (!injector)
                return;
        g_hash_table_unref(injector->harmed);
        g_rand_free(injector->rand);
        g_free(injector);
}

int64_t injector_seen_by_utc_ms(const Injector *injector, int64_t now_utc_ms) {
        return injector->late_until_utc_ms ? now_utc_ms + AFTERMATH_MS : injector->seen_by_utc_ms;
}

static const char *channel_of(const Injector *injector, unsigned index) {
        return ((const ChannelSpec *)rig_specs(injector->rig)->pdata[index])->id;
}

/* Locked blocks that end after the instant; NULL when they cannot be read just now. */
static GPtrArray *blocks_after(const Injector *injector, const char *channel_id, int64_t utc_ms) {
        g_autofree char *path = rig_data_path(injector->rig, "retrovue.db");
        g_autoptr(Store) store = store_open_to_read(path, NULL);
        return store ? transmission_log_blocks(store, channel_id, utc_ms, NULL) : NULL;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static bool harm(Injector *injector, BurninCause cause, const BlockSegment *segment) {
        if (!segment->asset_uri || g_hash_table_contains(injector->harmed, segment->asset_uri))
                return false;
        const bool done = cause == BURNIN_MISSING_FILE ? rig_take_away(injector->rig, segment->asset_uri)
                                                       : rig_spoil(injector->rig, segment->asset_uri);
        if (done)
                g_hash_table_add(injector->harmed, g_strdup(segment->asset_uri));
        return done;
}

/* The first file that a block some minutes ahead names, and that is ours to harm. */
static bool harm_block(Injector *injector, BurninCause cause, const BlockPlan *block, BurninReport *report) {
        int64_t at = block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; at += block->segments[i++].duration_ms)
                if (harm(injector, cause, &block->segments[i])) {
                        burnin_report_injection(report, cause, NULL, block->segments[i].asset_uri, at);
                        injector->seen_by_utc_ms =
                                MAX(injector->seen_by_utc_ms, at + block->segments[i].duration_ms + AFTERMATH_MS);
                        return true;
                }
        return false;
}

static bool inject_file(Injector *injector, BurninCause cause, BurninReport *report, int64_t now_utc_ms) {
        unsigned index = 0;
        (void)course_behind_utc_ms(injector->course, &index);
        g_autoptr(GPtrArray) blocks = blocks_after(injector, channel_of(injector, index), now_utc_ms + AHEAD_MS);
        for (guint i = 0; blocks && i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                if (block->start_utc_ms > now_utc_ms + AHEAD_MS && harm_block(injector, cause, block, report))
                        return true;
        }
        return false;
}

/* --- deaths ------------------------------------------------------------------------------------------------------ */

static bool inject_dead_air(Injector *injector, BurninReport *report, int64_t now_utc_ms) {
        unsigned index = 0;
        (void)course_behind_utc_ms(injector->course, &index);
        if (!kill_engine(injector->rig, injector->course, channel_of(injector, index)))
                return false;
        burnin_report_injection(report, BURNIN_DEAD_AIR, channel_of(injector, index), NULL, now_utc_ms);
        return true;
}

static bool inject_dead_core(Injector *injector, BurninReport *report, int64_t now_utc_ms) {
        kill_core(injector->rig, injector->course, report);
        burnin_report_injection(report, BURNIN_DEAD_CORE, NULL, NULL, now_utc_ms);
        return true;
}

/* --- the feed ---------------------------------------------------------------------------------------------------- */

/* Where the last of the channels' plans ends; 0: nothing is planned. */
static int64_t plans_end_utc_ms(const Injector *injector, int64_t now_utc_ms) {
        int64_t end_utc_ms = 0;
        for (unsigned i = 0; i < rig_specs(injector->rig)->len; i++) {
                g_autoptr(GPtrArray) blocks = blocks_after(injector, channel_of(injector, i), now_utc_ms);
                const BlockPlan *last = blocks && blocks->len > 0 ? blocks->pdata[blocks->len - 1] : NULL;
                if (last)
                        end_utc_ms = MAX(end_utc_ms, last->end_utc_ms);
        }
        return end_utc_ms;
}

/* Core's clock stands still, so that nobody plans; the engines play on until nothing is left. */
static bool inject_late_feed(Injector *injector, BurninReport *report, int64_t now_utc_ms) {
        course_freeze(injector->course, true);
        injector->late_until_utc_ms = plans_end_utc_ms(injector, now_utc_ms);
        if (!injector->late_until_utc_ms)
                course_freeze(injector->course, false);
        else
                burnin_report_injection(report, BURNIN_LATE_FEED, NULL, NULL, injector->late_until_utc_ms);
        return injector->late_until_utc_ms != 0;
}

/* What was being planned when the clock stopped is planned to its end: it is awaited, too. */
static void end_late_feed(Injector *injector, int64_t now_utc_ms) {
        if (now_utc_ms < injector->late_until_utc_ms + LATE_MS)
                return;
        const int64_t end_utc_ms = plans_end_utc_ms(injector, now_utc_ms);
        if (end_utc_ms > injector->late_until_utc_ms) {
                injector->late_until_utc_ms = end_utc_ms;
                return;
        }
        injector->late_until_utc_ms = 0;
        injector->quiet_until_utc_ms = now_utc_ms + QUIET_MS;
        course_freeze(injector->course, false);
}

/* --- what is due ------------------------------------------------------------------------------------------------- */

static bool inject(Injector *injector, BurninCause cause, BurninReport *report, int64_t now_utc_ms) {
        switch (cause) {
        case BURNIN_MISSING_FILE:
        case BURNIN_CORRUPT_CLIP:
                return inject_file(injector, cause, report, now_utc_ms);
        case BURNIN_DEAD_AIR:
                return inject_dead_air(injector, report, now_utc_ms);
        case BURNIN_DEAD_CORE:
                return inject_dead_core(injector, report, now_utc_ms);
        case BURNIN_LATE_FEED:
                return inject_late_feed(injector, report, now_utc_ms);
        case BURNIN_NO_CAUSE:
                break;
        }
        return true;
}

void injector_look(Injector *injector, BurninReport *report, int64_t now_utc_ms) {
        if (injector->late_until_utc_ms) {
                end_late_feed(injector, now_utc_ms);
                return;
        }
        if (injector->next == injector->n || now_utc_ms < injector->at_utc_ms[injector->next] ||
            now_utc_ms < injector->quiet_until_utc_ms ||
            !inject(injector, injector->due[injector->next], report, now_utc_ms))
                return;
        if (injector->due[injector->next++] & (BURNIN_DEAD_AIR | BURNIN_DEAD_CORE))
                injector->quiet_until_utc_ms = now_utc_ms + QUIET_MS;
}

void injector_end(const Injector *injector, BurninReport *report) {
        for (unsigned i = injector->next; i < injector->n; i++) /* INV-BURNIN-001 */
                burnin_report_violation(report, &(BurninViolation){.contract = "INV-BURNIN-001"},
                                        "%s was to be injected, and the run ended before it could be",
                                        burnin_cause_name(injector->due[i]));
}
