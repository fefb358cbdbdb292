#include "air/seam/lateness.h"

#include <glib.h>

const int64_t lateness_bounds_us[LATENESS_STEPS] = {10,   20,    50,    100,   200,    500,    1000,   2000,
                                                    5000, 10000, 20000, 50000, 100000, 200000, 500000, INT64_MAX};

int64_t lateness_count(const Lateness *lateness) {
        int64_t n = 0;
        for (int i = 0; i < LATENESS_STEPS; i++)
                n += lateness->counts[i];
        return n;
}

int64_t lateness_percentile_us(const Lateness *lateness, int per_mille) {
        const int64_t n = lateness_count(lateness);
        int64_t so_far = 0;
        for (int i = 0; i < LATENESS_STEPS; i++) {
                so_far += lateness->counts[i];
                if (so_far * 1000 >= n * per_mille)
                        return MIN(lateness_bounds_us[i], lateness->max_us);
        }
        return lateness->max_us;
}

char *lateness_text(const Lateness *lateness) {
        GString *text = g_string_new(NULL);
        for (int i = 0; i < LATENESS_STEPS - 1; i++)
                g_string_append_printf(text, "%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT ",", lateness_bounds_us[i],
                                       lateness->counts[i]);
        g_string_append_printf(text, "inf:%" G_GINT64_FORMAT, lateness->counts[LATENESS_STEPS - 1]);
        return g_string_free(text, FALSE);
}

void lateness_note(LatenessCounters *counters, int64_t late_us) {
        int step = 0;
        while (late_us > lateness_bounds_us[step])
                step++;
        atomic_fetch_add_explicit(&counters->counts[step], 1, memory_order_relaxed); /* INV-SEAM-108 */
        if (late_us > atomic_load_explicit(&counters->max_us, memory_order_relaxed))
                atomic_store_explicit(&counters->max_us, late_us, memory_order_relaxed);
}

Lateness lateness_read(const LatenessCounters *counters) {
        Lateness lateness = {.max_us = atomic_load_explicit(&counters->max_us, memory_order_relaxed)};
        for (int i = 0; i < LATENESS_STEPS; i++)
                lateness.counts[i] = atomic_load_explicit(&counters->counts[i], memory_order_relaxed);
        return lateness;
}
