/* A sidecar file -> what it says about a film and a series. */
#include "core/plan/catalog/nfo.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static gsize initialised;
        if (g_once_init_enter(&initialised)) {
                nfo_init();
                g_once_init_leave(&initialised, 1);
        }
        const char *path = scratch_write("film.nfo", data, size);
        Asset *film = asset_new(), *episode = asset_new();
        nfo_apply(film, path);
        nfo_apply_show(episode, path);
        g_assert(film->duration_ms == 0 && episode->duration_ms == 0); /* what is measured is not claimed */
        asset_free(film);
        asset_free(episode);
        return 0;
}
