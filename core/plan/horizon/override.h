/*
 * Overrides: changes of a plan that an operator asks for, the only way to change what is locked. The record is in the
 * store before anything is changed by it, and stays there.
 *
 * Anybody with a Store of their own asks, cancels and lists; the horizon decides at its next evaluation, within
 * seconds: it puts the change in force, in guide and locked blocks at once, or refuses it and says why. What is past,
 * on the air or has been handed to an engine is never changed. A refusal is an alert until its time is past, an hour at
 * least, or it is cancelled.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/store.h"
#include "core/plan/schedule/schedule.h"

typedef enum {
        OVERRIDE_REPLACE = 1, /* what the asset is in the place of the programme at the instant, in its slot */
        OVERRIDE_INSERT,      /* the asset from the programme's start on, over as many programmes as it is long */
        OVERRIDE_SKIP,        /* filler in the place of the programme at the instant */
} OverrideKind;

typedef enum {
        OVERRIDE_ASKED = 1, /* waits for the horizon, or for the guide to reach that far */
        OVERRIDE_IN_FORCE,
        OVERRIDE_CANCELLING, /* in force, and asked to be taken back */
        OVERRIDE_CANCELLED,
        OVERRIDE_REFUSED,
} OverrideState;

typedef struct {
        int64_t id; /* given by override_store_ask */
        char *channel_id;
        OverrideKind kind;
        int64_t at_utc_ms;
        char *asset_id; /* NULL for OVERRIDE_SKIP */
        OverrideState state;
        int64_t asked_utc_ms, decided_utc_ms; /* 0 = not decided yet */
        char *detail;                         /* why it was refused or could not be cancelled; NULL */
        int64_t start_utc_ms, end_utc_ms;     /* of what it changed; 0 = nothing yet */
        json_t *was, *becomes;                /* programmes as in a day's document; NULL before it is in force */
} Override;

void override_free(Override *override);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Override, override_free)

/* "replace", "insert", "skip"; "asked", "in_force", "cancelling", "cancelled", "refused". Static. */
const char *override_kind_name(OverrideKind kind);
const char *override_state_name(OverrideState state);

/* As commands and answers show it; json_decref it. */
json_t *override_json(const Override *override);
/* Why what is asked for cannot be put in force on the day that covers its instant, as far as day and catalog tell;
 * NULL: it can be, unless it is too late. day NULL: the guide does not reach that far, only the asset is looked at.
 * g_free it. */
char *override_objection(const ChannelSpec *spec, const CatalogSnapshot *catalog, const ScheduleDay *day,
                         const Override *override);
/* The day (of ScheduleDay) that has a programme at the instant, which is *ret_planned; NULLs: nothing is planned then.
 * Both belong to days. */
const ScheduleDay *override_place(const GPtrArray *days, int64_t utc_ms, const Programme **ret_planned);
/* Whether it is in force and changes programmes of the day. */
bool override_covers(const Override *override, const ScheduleDay *day);
/* The day as it was before those of the overrides (Override, by id) that cover it. schedule_day_free it. */
ScheduleDay *override_lift(const ScheduleDay *day, const GPtrArray *overrides);

/* Stores the record and sets its id and state. */
bool override_store_ask(Store *store, Override *override, GError **error);
/* All of a channel, by id (Override with its free). NULL on failure. */
GPtrArray *override_store_list(Store *store, const char *channel_id, GError **error);
/* Those that the horizon has to decide, or that are in force beyond the instant. */
GPtrArray *override_store_live(Store *store, const char *channel_id, int64_t after_utc_ms, GError **error);
/* Those that were refused after the instant or for one after it, and those in force that could not be taken back. */
GPtrArray *override_store_troubled(Store *store, const char *channel_id, int64_t after_utc_ms, GError **error);
/* Takes back what is asked or in force; what was refused is no alert any more. *ret_done is false when there is no such
 * override in one of these states. */
bool override_store_cancel(Store *store, const char *channel_id, int64_t id, int64_t now_utc_ms, bool *ret_done,
                           GError **error);
/* A number that is another one whenever somebody has asked or cancelled since it was read last; -1 when it cannot be
 * read. */
int64_t override_store_mark(Store *store);
/* For the horizon: stores state, decided_utc_ms, detail, start, end, was and becomes. */
bool override_store_decide(Store *store, const Override *override, GError **error);
