/* What promos are for, and when that is on. Private to traffic. */
#pragma once

#include "core/plan/traffic/traffic.h"

/* What a promo is for. */
typedef struct {
        char **titles; /* of series and films, as promo_title_fold makes them */
        PromoWhen when;
        int64_t within_ms;
} Subject;

void subject_clear(gpointer subject);
/* The folded titles of all series and films of the catalog: a set. */
GHashTable *subject_titles(const CatalogSnapshot *catalog);
/* False: the spot is for nothing in particular. titles: where names are looked up. Clear ret_subject. */
bool subject_of(const BreakPolicy *policy, const GHashTable *titles, const Asset *spot, Subject *ret_subject);

/* When the subject is on next so that its promo may be in the programme's breaks; 0: it may not. coming may be NULL:
 * nothing is known. */
int64_t coming_airing(const TrafficComing *coming, const ChannelSpec *spec, const Subject *subject,
                      const Programme *programme);
