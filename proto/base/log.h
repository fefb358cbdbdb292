/*
 * The log: events with named values, one line each. Event names are `noun.what` and are part of the interface (tests
 * and operators look for them); values are typed. Any thread; a line is written whole.
 *
 *     rv_info("channel.live", RV_S("channel", id), RV_I("pid", pid));
 *
 * Lines go to stderr: as text `2026-11-22T04:08:50.123Z info channel.live channel=retro pid=4711` on a terminal, as
 * JSON objects otherwise (RETROVUE_LOG_FORMAT=text|json overrides). Levels below RETROVUE_LOG_LEVEL (debug, info,
 * warning, error; default info) are not formatted at all; a judge (below) sees warnings and errors in any case. GLib's
 * own log messages join the stream as `glib.message`.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/clock.h"

typedef enum { RV_LOG_DEBUG, RV_LOG_INFO, RV_LOG_WARNING, RV_LOG_ERROR } RvLogLevel;

typedef enum { RV_FIELD_STRING, RV_FIELD_INT } RvFieldType;

typedef struct {
        const char *key;
        RvFieldType type;
        const char *string; /* NULL is written as an empty string */
        int64_t integer;
} RvField;

#define RV_S(k, v) ((RvField){.key = (k), .type = RV_FIELD_STRING, .string = (v)})
#define RV_I(k, v) ((RvField){.key = (k), .type = RV_FIELD_INT, .integer = (v)})

/* The program's name and the clock that stamps lines; call once, first thing in main. Honours the environment. */
void rv_log_init(const char *program, RvClock *clock);
void rv_log_set_level(RvLogLevel level);
bool rv_log_enabled(RvLogLevel level);

void rv_log_fields(RvLogLevel level, const char *event, const RvField *fields, size_t n_fields);

#define rv_log(level, event, ...)                                                                                      \
        do {                                                                                                           \
                if ((level) >= RV_LOG_WARNING || rv_log_enabled(level)) {                                              \
                        const RvField rv_fields_[] = {RV_S(NULL, NULL), ##__VA_ARGS__};                                \
                        rv_log_fields((level), (event), rv_fields_ + 1, G_N_ELEMENTS(rv_fields_) - 1);                 \
                }                                                                                                      \
        } while (0)
#define rv_debug(event, ...) rv_log(RV_LOG_DEBUG, event, ##__VA_ARGS__)
#define rv_info(event, ...) rv_log(RV_LOG_INFO, event, ##__VA_ARGS__)
#define rv_warning(event, ...) rv_log(RV_LOG_WARNING, event, ##__VA_ARGS__)
#define rv_error(event, ...) rv_log(RV_LOG_ERROR, event, ##__VA_ARGS__)

/* Sees every warning and error before it is written, and also when its level is not shown: the class that the line is
 * to carry ("class"), or NULL. Any thread; it must not log. Set it before there are other threads. */
typedef const char *(*RvLogJudge)(const char *event, const RvField *fields, size_t n_fields);
void rv_log_set_judge(RvLogJudge judge);

/* Tests: every line goes to sink instead of stderr, unfiltered. NULL restores. Not thread-safe against loggers. */
typedef void (*RvLogSink)(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields);
void rv_log_set_sink(RvLogSink sink, void *user);
