/*
 * One real engine as core sees it: spawned with its control socket handed over, its stream captured, its events and its
 * evidence collected. Every failure to get there fails the test. RV_RUN_ENGINE_BY in the environment is a command that
 * runs it, as valgrind with its options; everything is waited for longer then.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/block_plan/block_plan.h"
#include "proto/evidence/evidence.h"
#include "proto/house/house_format.h"
#include "proto/house/house_style.h"
#include "proto/playout.pb-c.h"

#define RIG_CHANNEL "retro"

typedef struct EngineRig EngineRig;

/* What an engine is started with. NULL and 0: its own defaults, and the cache of all tests. */
typedef struct {
        const char *cache_dir;
        int orphan_ms, replay_ms;
        const HouseStyle *style; /* of sessions; borrowed for the rig's life. NULL: none is sent */
        /* Takes the stream as it comes, on a thread of the rig's; nothing of it is kept. NULL: all of it is. */
        void (*on_stream)(void *user, const uint8_t *data, size_t size);
        void *user;
        bool may_fail; /* what it does not answer is UNSPECIFIED; every wait is over when it is gone */
} RigOptions;

EngineRig *rig_new(RigOptions options);
/* Kills the engine if it is still there. */
void rig_free(EngineRig *rig);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EngineRig, rig_free)

/* A valid content or pad segment appended to a growing block; file NULL: pad. */
typedef struct {
        const char *file; /* below RV_TEST_CLIPS, or an absolute path */
        int64_t offset_ms, duration_ms;
} RigSegment;
BlockPlan *rig_block(const char *id, int64_t start_utc_ms, const RigSegment *segments, uint32_t n);

/* A fresh stream, captured from its beginning; what was captured before is forgotten. */
void rig_attach(EngineRig *rig);
/* Attaches a fresh stream and starts a new session of these blocks. */
void rig_start(EngineRig *rig, const HouseFormat *format, BlockPlan *const *blocks, size_t n);
void rig_feed(EngineRig *rig, const BlockPlan *block);
void rig_stop(EngineRig *rig);
/* False: not attached or not started. */
bool rig_try_play(EngineRig *rig, const HouseFormat *format, BlockPlan *const *blocks, size_t n);
/* The same, one call each, of the last session's id, and what they are answered. */
Retrovue__Playout__V1__Result rig_try_attach(EngineRig *rig, const char *path);
Retrovue__Playout__V1__Result rig_try_start(EngineRig *rig, const HouseFormat *format, BlockPlan *const *blocks,
                                            size_t n);
Retrovue__Playout__V1__Result rig_try_feed(EngineRig *rig, const BlockPlan *block);
Retrovue__Playout__V1__Result rig_try_stop(EngineRig *rig);

/* The stream's reader does not read. */
void rig_pause_reader(EngineRig *rig, bool paused);

void rig_await_stream(EngineRig *rig, size_t bytes);
/* Until the stream's i-th picture (from 0) has begun to come: when that was; -1: an engine that may fail is gone
 * before. */
int64_t rig_await_picture(EngineRig *rig, guint i);
/* Until so many pictures have begun to come, or the stream is over; for most_ms. */
void rig_await_pictures(EngineRig *rig, guint n, int most_ms);
void rig_await_started(EngineRig *rig, const char *block_id);
/* Until evidence of this kind about this block (NULL: any) is there. */
void rig_await_evidence(EngineRig *rig, EvidenceKind kind, const char *block_id);
/* Until the stream is closed by the engine. */
void rig_await_stream_end(EngineRig *rig);

/* Until evidence of the block's fence is there or the stream is over, or (NULL) the session was terminated; for
 * most_ms.
 */
void rig_await_end_of(EngineRig *rig, const char *block_id, int most_ms);
void rig_await_gone(EngineRig *rig, int most_ms);
/* Until the stream is closed by the engine, or at once when it has not connected. */
void rig_end_stream(EngineRig *rig);
bool rig_stream_is_over(EngineRig *rig);
bool rig_is_gone(EngineRig *rig);
/* Of the last session. Owned. */
char *rig_spool_path(const EngineRig *rig);

/* Core dies: control connection, event stream, transport stream and evidence are gone at once. */
void rig_lose_core(EngineRig *rig);
void rig_signal(EngineRig *rig, int signal_number);
/* The exit status, or -1 when it was a signal. */
int rig_await_exit(EngineRig *rig);
/* As wait(2) has it. */
int rig_await_wait_status(EngineRig *rig);

pid_t rig_pid(const EngineRig *rig);
/* What came so far; only while nothing more can come. */
const GByteArray *rig_stream(const EngineRig *rig);
/* EvidenceEvent, without hellos, as they came. */
const GPtrArray *rig_evidence(const EngineRig *rig);
int64_t rig_spawned_mono_ns(const EngineRig *rig);

/* How long the reader had nothing to read, once it had its first byte. */
typedef struct {
        int64_t largest_ns, largest_at_ns; /* since the first byte */
        uint32_t reads, stalls;            /* those that took more than 100 ms to come */
} RigPace;
RigPace rig_pace(EngineRig *rig);
