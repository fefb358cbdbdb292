/* What the parts of a burn-in share. */
#pragma once

#include <pthread.h>

#include "core/burnin/burnin.h"
#include "core/plan/schedule/schedule.h"
#include "proto/base/clock.h"
#include "proto/block_plan/block_plan.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
/* A death costs minutes: how many, where time is led. More than what engines have made and nobody has seen. */
#define DEATH_MS (4 * MINUTE_MS)

/* A session's first picture is of so long ago at most: preroll, and what a file is joined further back. */
#define BEGUN_BEFORE_MS (10 * INT64_C(1000))

/* --- course.c: how far the channels have come ---------------------------------------------------------------------
 * Viewers note their playheads. Where time is led, none runs away from the slowest, and core's clock follows them. */

typedef struct {
        RvClock *clock; /* core's: led, or the system's */
        bool led;
        unsigned n;

        pthread_mutex_t lock;
        pthread_cond_t moved;
        int64_t *playheads_utc_ms; /* guarded by lock, like all below */
        int64_t doubt_ms;          /* the longest skip, or how long ago a session began */
        bool frozen;               /* core's clock stands still, whatever is played */
        bool over;
} Course;

void course_init(Course *course, RvClock *clock, bool led, unsigned n, int64_t from_utc_ms);
void course_clear(Course *course);
/* Returns when the viewer may read on; false: it is over. */
bool course_note(Course *course, unsigned channel, int64_t playhead_utc_ms);
/* Core's clock goes on by so much at once: as much has passed while nobody played. Where time is led only. */
void course_skip(Course *course, int64_t ms);
/* A playhead may be told so much too late: a session begins in the past, and time may be skipped before its first
 * picture is seen. */
int64_t course_doubt_ms(Course *course);
void course_freeze(Course *course, bool frozen);
void course_end(Course *course);
bool course_is_over(Course *course);
/* Of the slowest channel, which is *ret_channel (may be NULL). */
int64_t course_behind_utc_ms(Course *course, unsigned *ret_channel);

/* --- viewer.c: one channel's stream, as it is watched ------------------------------------------------------------- */

/* What was seen without a break: pictures of ticks [first, end) of a session. */
typedef struct {
        int64_t first_tick, end_tick;
        int64_t epoch_utc_ms; /* of its session, by when it began to be seen: to a minute or two */
        GArray *idr_ticks;    /* int64_t */
        char *fault;          /* why it ended; NULL: the viewer left */
} Stretch;

Stretch *stretch_new(int64_t first_tick, int64_t epoch_utc_ms);
void stretch_free(Stretch *stretch);

typedef struct Viewer Viewer;

/* port: where core listens, changed when it is started anew; 0: nowhere. */
Viewer *viewer_start(Course *course, unsigned index, const ChannelSpec *spec, const _Atomic int *port, GError **error);
/* After course_end: joins its thread. Stretch, with stretch_free; the caller's. */
GPtrArray *viewer_end(Viewer *viewer, int64_t *ret_bytes);
/* Monotonic: when bytes last came. */
int64_t viewer_last_bytes_mono_ns(const Viewer *viewer);

/* --- ask.c: HTTP, as far as viewers and operators need it ----------------------------------------------------------
 */

/* A connection with the answer's head taken off, status 200; NULL: none. Free with g_object_unref. */
typedef struct _GIOStream GIOStream;
GIOStream *ask_open(int port, const char *path, int timeout_s);
/* A JSON document; NULL: none. */
json_t *ask_json(int port, const char *path);

/* --- judge.c: the record against the plan, and the stream against both -------------------------------------------- */

typedef struct {
        const char *channel_id;
        bool compressed;
        RvRational rate;
        int64_t from_utc_ms, to_utc_ms; /* what was to be seen */
        const GPtrArray *blocks;        /* BlockPlan, locked, in order */
        const json_t *entries;          /* documents of the as-run record */
        const GPtrArray *stretches;     /* Stretch, in order */
} Evidence;

/* Adds what is violated, and the channel's figures. */
void judge_channel(BurninReport *report, const Evidence *evidence);

/* --- watch.c: processes and plans while they run ------------------------------------------------------------------ */

typedef struct Watch Watch;

Watch *watch_new(void);
void watch_free(Watch *watch);
/* Looks at core (0: it is not there) and its engines. */
void watch_processes(Watch *watch, int64_t core_pid);
/* What core says of its channels; document: of /api/channels. */
void watch_channels(Watch *watch, BurninReport *report, const json_t *document, int64_t at_utc_ms);
/* Judges what was seen: nothing grows. */
void watch_judge(const Watch *watch, BurninReport *report);
/* An engine's process; 0: there is none. */
int64_t watch_engine_of(int64_t core_pid, const char *channel_id);

/* --- rig.c: the programs, in a folder of their own ---------------------------------------------------------------- */

typedef struct Rig Rig;

/* Lays out the work folder: channel files, settings, links to the media, the clock. */
Rig *rig_new(const BurninOptions *options, RvClock *system, int64_t from_utc_ms, GError **error);
/* Ends core if it runs. The folder stays. */
void rig_free(Rig *rig);
/* Starts core and waits for it to be ready. */
bool rig_start_core(Rig *rig, GError **error);
/* Asks it to end; false: it had to be killed, or ended badly. */
bool rig_stop_core(Rig *rig);
void rig_kill_core(Rig *rig);
bool rig_core_runs(Rig *rig);
int64_t rig_core_pid(const Rig *rig);
const _Atomic int *rig_port(const Rig *rig);
RvClock *rig_clock(const Rig *rig); /* core's */
/* ChannelSpec, by number, as many as were asked for. */
const GPtrArray *rig_specs(const Rig *rig);
/* Of core's data folder; g_free. */
char *rig_data_path(const Rig *rig, const char *name);
/* Only a link in the work folder is ever touched. False: it is not there, or not ours. */
bool rig_take_away(const Rig *rig, const char *path);
bool rig_spoil(const Rig *rig, const char *path);

/* --- inject.c: faults ----------------------------------------------------------------------------------------------
 */

typedef struct Injector Injector;

Injector *injector_new(const BurninOptions *options, Rig *rig, Course *course, int64_t from_utc_ms);
void injector_free(Injector *injector);
/* Does what is due; called again and again. */
void injector_look(Injector *injector, BurninReport *report, int64_t now_utc_ms);
/* What was asked for and could not be done is a violation. */
void injector_end(const Injector *injector, BurninReport *report);
/* INV-BURNIN-001: the run goes on until then, however short it was asked to be: a harmed file is seen only where the
 * plan names it, and a feed is late only once the plan has ended. */
int64_t injector_seen_by_utc_ms(const Injector *injector, int64_t now_utc_ms);

/* --- deaths.c: kill -9 ---------------------------------------------------------------------------------------------
 */

/* False: there is none. */
bool kill_engine(Rig *rig, Course *course, const char *channel_id);
/* And starts it again. */
void kill_core(Rig *rig, Course *course, BurninReport *report);

/* Engines and core by turns, as often as was asked for, at random. */
typedef struct Killer Killer;

Killer *killer_new(const BurninOptions *options, Rig *rig, Course *course);
void killer_free(Killer *killer);
/* Kills what is due; called again and again. */
void killer_look(Killer *killer, BurninReport *report, int64_t now_utc_ms, int64_t now_mono_ns);
/* As of an injector. */
int64_t killer_seen_by_utc_ms(const Killer *killer, int64_t now_utc_ms);
