/*
 * Guide: what is on and what comes, for people and programs: JSON, XMLTV and M3U, made from published plan views. An
 * entry of the guide is a programme; filler between programmes belongs to the one before it
 * (INV-EPG-FILLER-INVISIBLE-001).
 *
 * Any thread may ask. M3U and XMLTV are immutable documents, made once per plan generation and base URL.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan/horizon/horizon.h"
#include "proto/base/clock.h"

typedef struct Guide Guide;

/* board and clock are borrowed. */
Guide *guide_new(PlanBoard *board, RvClock *clock, const char *domain /* in channel ids: "retrovue.local" */);
void guide_free(Guide *guide);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Guide, guide_free)

/* --- documents --------------------------------------------------------------------------------------------------- */

typedef struct {
        GBytes *body;  /* NULL: no channel is planned (yet); an empty guide would wipe a client's */
        char etag[40]; /* quoted, of the content: equal for equal bytes, over restarts too */
} GuideDocument;
void guide_document_clear(GuideDocument *document);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GuideDocument, guide_document_clear)

/* How the channels of an M3U are to be played. */
typedef enum {
        GUIDE_STREAM_TS = 0,   /* <base>/channel/<id>.ts */
        GUIDE_STREAM_HLS = 1,  /* <base>/channel/<id>/master.m3u8 */
        GUIDE_STREAM_KODI = 2, /* flag: with the properties that Kodi's players want */
} GuideStream;

/* base_url: "http://host:port" as the client sees us, without a trailing slash. Guide at <base>/guide.xml, logos at
 * <base>/logo/<id>.png. */
GuideDocument guide_m3u(Guide *guide, const char *base_url, GuideStream stream);
/* XMLTV (xmltv.dtd), every time in UTC. */
GuideDocument guide_xmltv(Guide *guide, const char *base_url);

/* --- JSON -------------------------------------------------------------------------------------------------------- */

/* {"id", "number", "name", "group" (null), "timezone", "now" (null), "next" (null)}; now has "progress", 0 to 1. New.
 */
json_t *guide_channel_json(Guide *guide, const PlanView *view);
/* What is on the air in [from, to), whole entries: {"from_utc_ms", "to_utc_ms", "channels": [{"id", "number", "name",
 * "group", "timezone", "programmes": [...]}]}; channel_id NULL = all. NULL: no such channel. New.
 *
 * A programme: {"id", "title", "kind", "start_utc_ms", "end_utc_ms", "content_ms", "genres": []} and, where known,
 * "subtitle", "description", "series", "season", "episode", "year", "rating", "asset_id"; of one that is made of
 * several assets "parts", their ids in order. */
json_t *guide_json(Guide *guide, const char *channel_id, int64_t from_utc_ms, int64_t to_utc_ms);

/* --- ids ---------------------------------------------------------------------------------------------------------- */

/* "C<number>.<sum of (digit+48)>.<domain>": the id in M3U and XMLTV; g_free it. Clients that compare the beginnings of
 * ids (Plex) would take channel 10 for channel 1 without the sum. */
char *guide_channel_id(const Guide *guide, int32_t number);
