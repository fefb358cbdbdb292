/* What guide.c (entries, documents once made), json.c, m3u.c and xmltv.c share. */
#pragma once

#include <pthread.h>

#include "core/serve/guide/guide.h"

struct Guide {
        PlanBoard *board;
        RvClock *clock;
        char *domain;

        pthread_mutex_t lock;  /* guards what follows */
        GHashTable *documents; /* "<kind> <base url>" -> GuideDocument */
        int64_t generation;    /* that the documents were made from */
};

/* Between programmes so much filler belongs to the programme before it; more is an entry of its own, since nobody
 * would believe a film of five hours. */
#define GUIDE_MERGED_FILLER_MAX_MS (INT64_C(60) * 60 * 1000)

/* An entry as people see it: a programme and the filler after it, or a long stretch of filler. */
typedef struct {
        const Programme *programme;
        int64_t start_utc_ms, end_utc_ms;
} GuideEntry;

/* The programme to begin with so that the entry on the air at utc_ms is not cut: the first one for what is before the
 * view, the number of programmes for what is after it. */
unsigned guide_index_at(const PlanView *view, int64_t utc_ms);
/* The entry that begins with programme *index, which moves on; false at the end. */
bool guide_next(const PlanView *view, unsigned *index, GuideEntry *ret_entry);

/* What stands in documents: valid UTF-8 without control characters; never NULL. g_free it. */
char *guide_text(const char *text);
/* A channel's name, the same in all documents: without what ends a name in M3U. */
char *guide_channel_name(const ChannelSpec *spec);

/* The bodies. views: PlanView, at least one. */
GBytes *guide_m3u_write(const Guide *guide, GPtrArray *views, const char *base_url, GuideStream stream);
GBytes *guide_xmltv_write(const Guide *guide, GPtrArray *views, const char *base_url);
