#include "air/output/signals/signals.h"

#include <pthread.h>
#include <string.h>

#include "air/output/signals/splice.h"
#include "air/output/signals/tables.h"

#define HD_LINES 720
#define TICK_0_PTS INT64_C(324090000)
#define PTS_MASK ((INT64_C(1) << 33) - 1)
#define PTS_HZ INT64_C(90000)
#define NOTHING (-1)

/* A splice is told so long before it, and again, and again; 4 s is what an inserter may count on. */
static const int64_t NOTICES_MS[] = {8000, 6000, 4500};

typedef struct {
        OutputProgramme it;
        char *title;
} Programme;

/* A message that is being told. */
typedef struct {
        SpliceKind kind;
        uint32_t id;
        int64_t tick, end_tick;  /* when it is, and what it begins is over */
        int64_t not_before_tick; /* a return is not told before the break has begun: one id is one thing at a time */
        int64_t next_tick;       /* told next behind this picture */
} Cue;

struct Signals {
        HouseFormat format; /* constant, as are the next four */
        int64_t epoch_utc_ms;
        char *name;
        TablesService service;
        int splice_pid;

        pthread_mutex_t lock; /* guards: */
        GArray *programmes;   /* of Programme, in order */
        GArray *breaks;       /* of OutputBreak, in order */

        struct {
                uint8_t sdt_counter, eit_counter, tdt_counter, splice_counter;
                bool begun;
                unsigned eit_version;
                int64_t present, following; /* ids of what EIT tells; NOTHING: of nothing */
                GArray *cues;               /* of Cue, in the order they were found */
                /* What lies before these has been told: what begins, what ends, and breaks altogether. */
                int64_t starts_told, ends_told, breaks_told;
        } mux; /* the multiplexer's thread's */
};

static void programme_clear(gpointer user) {
        Programme *programme = user;
        g_free(programme->title);
}

Signals *signals_new(const HouseFormat *format, const HouseStyle *style, int64_t epoch_utc_ms, int splice_pid) {
        Signals *signals = g_new0(Signals, 1);
        const char *language = style->sound_languages[0] ? style->sound_languages[0] : "und";
        signals->format = *format;
        signals->epoch_utc_ms = epoch_utc_ms;
        signals->name = g_strdup(style->channel_name);
        signals->service = (TablesService){
                .service_id = (uint16_t)style->service_id,
                .is_hd = format->height >= HD_LINES,
                .name = signals->name,
        };
        g_strlcpy(signals->service.language, language, sizeof signals->service.language);
        signals->splice_pid = splice_pid;
        g_assert(pthread_mutex_init(&signals->lock, NULL) == 0);
        signals->programmes = g_array_new(FALSE, FALSE, sizeof(Programme));
        g_array_set_clear_func(signals->programmes, programme_clear);
        signals->breaks = g_array_new(FALSE, FALSE, sizeof(OutputBreak));
        signals->mux.cues = g_array_new(FALSE, FALSE, sizeof(Cue));
        signals->mux.present = signals->mux.following = NOTHING;
        signals->mux.starts_told = signals->mux.ends_told = signals->mux.breaks_told = -1;
        return signals;
}

void signals_free(Signals *signals) {
        if (!signals)
                return;
        g_array_unref(signals->programmes);
        g_array_unref(signals->breaks);
        g_array_unref(signals->mux.cues);
        pthread_mutex_destroy(&signals->lock);
        g_free(signals->name);
        g_free(signals);
}

void signals_announce(Signals *signals, const OutputOutlook *outlook) {
        pthread_mutex_lock(&signals->lock);
        g_array_set_size(signals->programmes, 0);
        for (size_t i = 0; i < outlook->n_programmes; i++) {
                const Programme programme = {outlook->programmes[i], g_strdup(outlook->programmes[i].title)};
                g_array_append_val(signals->programmes, programme);
        }
        g_array_set_size(signals->breaks, 0);
        g_array_append_vals(signals->breaks, outlook->breaks, (guint)outlook->n_breaks);
        pthread_mutex_unlock(&signals->lock);
}

/* --- tables: on the multiplexer's thread, with the lock held ------------------------------------------------------ */

static const Programme *programme_at(const Signals *signals, guint i) {
        return i < signals->programmes->len ? &g_array_index(signals->programmes, Programme, i) : NULL;
}

/* What is on at the tick, and what comes after it; NULL where nothing is known. */
static void find_programmes(const Signals *signals, int64_t tick, const Programme **ret_present,
                            const Programme **ret_following) {
        guint i = 0;
        while (programme_at(signals, i) && programme_at(signals, i)->it.end_tick <= tick)
                i++;
        const Programme *found = programme_at(signals, i);
        const bool on = found && found->it.start_tick <= tick;
        *ret_present = on ? found : NULL;
        *ret_following = on ? programme_at(signals, i + 1) : found;
}

static int64_t id_of(const Programme *programme) {
        return programme ? (int64_t)programme->it.id : NOTHING;
}

/* True when EIT says something else from now on. INV-SIGNALS-002 */
static bool note_programmes(Signals *signals, const Programme *present, const Programme *following) {
        if (signals->mux.present == id_of(present) && signals->mux.following == id_of(following))
                return false;
        signals->mux.present = id_of(present);
        signals->mux.following = id_of(following);
        signals->mux.eit_version++;
        return true;
}

/* The end is what remains of a programme that is joined: its number is made of it. */
static void put_eit(Signals *signals, TablesPlace place, const Programme *programme, GByteArray *packets) {
        TablesEvent event;
        Section section;
        if (programme)
                event = (TablesEvent){
                        .event_id = (uint16_t)(programme->it.end_utc_ms / 1000),
                        .start_utc_ms = programme->it.start_utc_ms,
                        .end_utc_ms = programme->it.end_utc_ms,
                        .title = programme->title,
                };
        tables_eit(&section, &signals->service, signals->mux.eit_version, place, programme ? &event : NULL);
        section_packets(&section, TABLES_EIT_PID, &signals->mux.eit_counter, packets);
}

static void put_tables(Signals *signals, int64_t tick, GByteArray *packets) {
        Section section;
        tables_sdt(&section, &signals->service);
        section_packets(&section, TABLES_SDT_PID, &signals->mux.sdt_counter, packets);
        tables_tdt(&section, signals->epoch_utc_ms + rv_tick_to_ms(tick, signals->format.rate)); /* INV-SIGNALS-003 */
        section_packets(&section, TABLES_TDT_PID, &signals->mux.tdt_counter, packets);
}

/* INV-SIGNALS-001: a second's worth of ticks, rounded up. */
static bool is_time_for_tables(const Signals *signals, int64_t tick) {
        return !signals->mux.begun || tick % rv_tick_at_ms(1000, signals->format.rate) == 0;
}

static void tell_tables(Signals *signals, int64_t tick, GByteArray *packets) {
        const Programme *present, *following;
        find_programmes(signals, tick, &present, &following);
        const bool changed = note_programmes(signals, present, following);
        const bool timely = is_time_for_tables(signals, tick);
        if (timely)
                put_tables(signals, tick, packets);
        if (timely || changed) {
                put_eit(signals, TABLES_PRESENT, present, packets);
                put_eit(signals, TABLES_FOLLOWING, following, packets);
        }
        signals->mux.begun = true;
}

/* --- splices: likewise -------------------------------------------------------------------------------------------- */

static int64_t pts_of(const Signals *signals, int64_t tick) {
        const RvRational rate = signals->format.rate;
        return TICK_0_PTS + ((rv_mul_div_floor(tick, 2 * PTS_HZ * rate.den, rate.num) + 1) >> 1);
}

static int64_t notice_ticks(const Signals *signals, size_t i) {
        return rv_tick_at_ms(NOTICES_MS[i], signals->format.rate);
}

static bool is_near(const Signals *signals, int64_t tick, int64_t now) {
        return tick - notice_ticks(signals, 0) <= now;
}

static void begin_to_tell(Signals *signals, SpliceKind kind, uint32_t id, int64_t tick, int64_t end_tick) {
        const bool is_return = kind == SPLICE_IN;
        const Cue cue = {
                .kind = kind,
                .id = id,
                .tick = is_return ? end_tick : tick,
                .end_tick = end_tick,
                .not_before_tick = is_return ? tick : 0,
                .next_tick = (is_return ? end_tick : tick) - notice_ticks(signals, 0),
        };
        g_array_append_val(signals->mux.cues, cue);
}

/* A break is what it is when it is first told: what is announced later begins behind it. INV-SIGNALS-005 */
static void find_breaks(Signals *signals, int64_t now) {
        for (guint i = 0; i < signals->breaks->len; i++) {
                const OutputBreak *found = &g_array_index(signals->breaks, OutputBreak, i);
                const int64_t start = MAX(found->start_tick, signals->mux.breaks_told);
                if (found->end_tick <= MAX(start, now) || !is_near(signals, start, now))
                        continue;
                begin_to_tell(signals, SPLICE_OUT, found->id, start, found->end_tick);
                begin_to_tell(signals, SPLICE_IN, found->id, start, found->end_tick);
                signals->mux.breaks_told = found->end_tick;
        }
}

static void find_boundaries(Signals *signals, int64_t now) {
        for (guint i = 0; i < signals->programmes->len; i++) {
                const OutputProgramme *found = &programme_at(signals, i)->it;
                if (found->end_tick <= now)
                        continue;
                if (found->start_tick > signals->mux.starts_told && is_near(signals, found->start_tick, now)) {
                        signals->mux.starts_told = found->start_tick;
                        if (!found->begun_before)
                                begin_to_tell(signals, SPLICE_PROGRAMME_START, found->id, found->start_tick,
                                              found->end_tick);
                }
                if (found->end_tick > signals->mux.ends_told && is_near(signals, found->end_tick, now)) {
                        signals->mux.ends_told = found->end_tick;
                        begin_to_tell(signals, SPLICE_PROGRAMME_END, found->id, found->end_tick, found->end_tick);
                }
        }
}

/* INV-SIGNALS-004: the time stamp of the very picture, or, when that is over, at once. */
static void tell(Signals *signals, const Cue *cue, int64_t now, GByteArray *packets) {
        const bool is_over = cue->tick <= now;
        const SpliceMessage message = {
                .kind = cue->kind,
                .event_id = cue->id,
                .pts = is_over ? SPLICE_AT_ONCE : pts_of(signals, cue->tick) & PTS_MASK,
                .duration_90khz = pts_of(signals, cue->end_tick) - pts_of(signals, MAX(cue->tick, now)),
        };
        Section section;
        splice_section(&section, &message);
        section_packets(&section, signals->splice_pid, &signals->mux.splice_counter, packets);
}

/* The picture behind which it is told next; INT64_MAX: it has been told often enough. */
static int64_t next_notice(const Signals *signals, const Cue *cue, int64_t now) {
        for (size_t i = 0; i < G_N_ELEMENTS(NOTICES_MS); i++)
                if (cue->tick - notice_ticks(signals, i) > now)
                        return cue->tick - notice_ticks(signals, i);
        return INT64_MAX;
}

static void tell_splices(Signals *signals, int64_t now, GByteArray *packets) {
        GArray *cues = signals->mux.cues;
        find_boundaries(signals, now);
        find_breaks(signals, now);
        for (guint i = 0; i < cues->len;) {
                Cue *cue = &g_array_index(cues, Cue, i);
                if (now >= MAX(cue->next_tick, cue->not_before_tick)) {
                        tell(signals, cue, now, packets);
                        cue->next_tick = next_notice(signals, cue, now);
                }
                if (cue->next_tick == INT64_MAX)
                        g_array_remove_index(cues, i);
                else
                        i++;
        }
}

uint8_t *signals_behind(Signals *signals, int64_t tick, size_t *ret_size) {
        g_autoptr(GByteArray) packets = g_byte_array_new();
        pthread_mutex_lock(&signals->lock);
        tell_tables(signals, tick, packets);
        if (signals->splice_pid)
                tell_splices(signals, tick, packets);
        pthread_mutex_unlock(&signals->lock);
        *ret_size = packets->len;
        return packets->len > 0 ? g_byte_array_free(g_steal_pointer(&packets), FALSE) : NULL;
}
