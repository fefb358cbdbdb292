/*
 * Guide: what is on and what comes, for people and programs: JSON, XMLTV and M3U, made from published plan views.
 * Documents are immutable and cached per plan generation and base URL; any thread may ask.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan/horizon/horizon.h"
#include "proto/base/clock.h"

typedef struct Guide Guide;

Guide *guide_new(PlanBoard *board, RvClock *clock, const char *domain /* in channel ids: "retrovue.local" */);
void guide_free(Guide *guide);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Guide, guide_free)

typedef struct {
        GBytes *body;
        char etag[72];
} GuideDocument;
void guide_document_clear(GuideDocument *document);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GuideDocument, guide_document_clear)

/* base_url: "http://host:port" as the client sees us, without a trailing slash. kodi: add KODIPROP lines. */
GuideDocument guide_m3u(Guide *guide, const char *base_url, bool kodi);
GuideDocument guide_xmltv(Guide *guide, const char *base_url);
/* Now, next and progress of every channel: {"generated_utc_ms", "channels": [{"id","number","name","group","state"?,
 * "now","next"}]} */
GuideDocument guide_now_json(Guide *guide);
/* Programmes of [from, to): {"from_utc_ms","to_utc_ms","channels":[{"id","number","name","programmes":[{...}]}]};
 * channel_id NULL = all. */
GuideDocument guide_json(Guide *guide, const char *channel_id, int64_t from_utc_ms, int64_t to_utc_ms);
/* "C<number>.<sum of (digit+48)>.<domain>": the id in M3U and XMLTV. g_free it. */
char *guide_channel_id(const Guide *guide, int32_t number);
