/* A channel file -> its faults, or a spec that three days are compiled from, without a hole. */
#include "core/plan/schedule/schedule.h"
#include "proto/base/id.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

#define N_EPISODES 12
#define N_FILMS 6
#define MINUTE_MS INT64_C(60000)

static Asset *asset_of(unsigned n) {
        Asset *asset = asset_new();
        char id[RV_UUID_SIZE];
        g_autofree char *name = g_strdup_printf("/media/%u.mkv", n);
        rv_uuid_named(name, id);
        asset->id = g_strdup(id);
        asset->state = ASSET_READY;
        asset->approved = true;
        asset->uri = g_steal_pointer(&name);
        if (n < N_EPISODES) {
                asset->kind = ASSET_EPISODE;
                asset->title = g_strdup_printf("Part %u", n);
                asset->series = g_strdup(n % 2 ? "Cheers" : "Taxi");
                asset->season = 1;
                asset->episode = (int32_t)n;
                asset->duration_ms = (20 + n) * MINUTE_MS;
        } else {
                asset->kind = n < N_EPISODES + N_FILMS ? ASSET_MOVIE : ASSET_COMMERCIAL;
                asset->title = g_strdup_printf("Film %u", n);
                asset->year = 1970 + (int32_t)n;
                asset->duration_ms = asset->kind == ASSET_MOVIE ? (70 + 9 * n) * MINUTE_MS : 30000;
        }
        return asset;
}

static CatalogSnapshot *catalog(void) {
        static CatalogSnapshot *made;
        const unsigned n = N_EPISODES + N_FILMS + 4;
        if (!made) {
                Asset **assets = g_new(Asset *, n);
                for (unsigned i = 0; i < n; i++)
                        assets[i] = asset_of(i);
                made = catalog_snapshot_new(assets, n, 1);
        }
        return made;
}

static void compile(const ChannelSpec *spec) {
        g_autoptr(ScheduleDay) before = NULL;
        char day[11] = "2026-03-07"; /* the night in which New York changes its clocks */
        for (int i = 0; i < 3; i++) {
                g_autoptr(Diag) diag = diag_new();
                const ScheduleFrom from = {.carry_in_utc_ms = before ? before->end_utc_ms : 0,
                                           .state = before ? before->state_after : NULL,
                                           .allow_empty = true};
                ScheduleDay *made = schedule_compile(spec, catalog(), day, &from, diag);
                if (!made)
                        return;
                int64_t at = made->start_utc_ms;
                for (guint k = 0; k < made->programmes->len; k++) {
                        const Programme *programme = made->programmes->pdata[k];
                        g_assert(programme->start_utc_ms == at && programme->end_utc_ms > at);
                        at = programme->end_utc_ms;
                }
                g_assert(at == made->end_utc_ms);
                schedule_day_free(before);
                before = made;
                schedule_day_step(day, 1, day);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *path = scratch_write("channel.yaml", data, size);
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(ChannelSpec) spec = channel_spec_load(path, scratch_dir, catalog(), diag);
        g_assert(spec || diag_count(diag) > 0);
        if (spec)
                compile(spec);
        return 0;
}
