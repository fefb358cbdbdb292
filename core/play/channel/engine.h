/*
 * Engine: one air process with the sockets, the feed and the intake that belong to it, for one session. Private to
 * channel.
 *
 * Lives on the control loop. It is over when process and feed both are; then on_gone is called, once, and it may be
 * freed.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/play/channel/channel.h"

typedef struct Engine Engine;

typedef enum {
        ENGINE_ENDED = 0, /* it was asked to, and did */
        ENGINE_KILLED,    /* it was asked to, and had to be killed: it has not had its last word */
        ENGINE_DIED,      /* nobody had asked it to: a runtime fault */
        ENGINE_UNPLANNED, /* nothing was planned that it could have begun with: a planning fault */
} EngineEnd;

typedef struct {
        const ChannelHubOptions *hub; /* outlives the engine */
        const char *channel_id;
        RvRational rate;
        bool has_second; /* the house format has a second rendition */
        void *streams;
        void (*on_live)(void *user);
        /* detail is a sentence; empty after ENGINE_ENDED. */
        void (*on_gone)(void *user, EngineEnd end, const char *detail);
        void *user;
} EngineOptions;

#define ENGINE_NO_SECOND INT64_MIN

/* How channel gets and rules engines; tests put others in its place. */
typedef struct {
        Engine *(*start)(const EngineOptions *options, GError **error);
        /* Asks it to end; killed if it has not after 3 s (poll). */
        void (*stop)(Engine *engine, const char *reason);
        /* Ends it at once, as if it had crashed. */
        void (*kill)(Engine *engine, const char *why);
        /* To be called now and then: enforces deadlines. */
        void (*poll)(Engine *engine);
        void (*plan_changed)(Engine *engine);
        const char *(*session_id)(const Engine *engine);
        int64_t (*pid)(const Engine *engine);
        int64_t (*last_bytes_mono_ns)(Engine *engine);
        /* Likewise, of the second rendition; ENGINE_NO_SECOND: there is to be none. */
        int64_t (*second_last_bytes_mono_ns)(Engine *engine);
        void (*free)(Engine *engine);
} EngineOps;

extern const EngineOps engine_process_ops;
