/*
 * Where core would have sessions join a file: bench_join FILE MS... measures the file's key pictures as the catalog
 * does and prints, a line each, the place that is entered when the file is to be joined at these milliseconds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/plan/catalog/keys/keys.h"
#include "core/plan/catalog/measure/survey.h"
#include "core/plan/catalog/probe.h"
#include "core/play/feed/join.h"

#define START_UTC_MS INT64_C(1795262400000)
#define LENGTH_MS INT64_C(86400000)

typedef struct {
        uint8_t *bytes;
        size_t size;
} Packed;

static bool go_on(void *user) {
        return true;
}

static int64_t before(void *user, const char *asset_uuid, int64_t at_ms) {
        const Packed *packed = user;
        return keys_before(packed->bytes, packed->size, at_ms);
}

static BlockPlan *block_of(const char *path) {
        BlockPlan *block = block_plan_new("bench", "bench", "Bench", START_UTC_MS, START_UTC_MS + LENGTH_MS, 1);
        block->segments[0].type = SEGMENT_CONTENT;
        block->segments[0].asset_uuid = block->segments[0].asset_uri = path;
        block->segments[0].duration_ms = LENGTH_MS;
        return block;
}

int main(int argc, char **argv) {
        if (argc < 3)
                return EXIT_FAILURE;
        probe_init();
        g_auto(Survey) survey = {0};
        const SurveyOptions options = {.path = argv[1], .clock = rv_clock_system(), .go_on = go_on};
        if (survey_file(&options, &survey) != SURVEY_OK || survey.n_keys == 0) {
                (void)fprintf(stderr, "%s: %s\n", argv[1], survey.fault ? survey.fault : "no key pictures");
                return EXIT_FAILURE;
        }
        Packed packed = {0};
        packed.bytes = keys_pack(survey.key_ms, survey.n_keys, &packed.size);
        g_autoptr(BlockPlan) block = block_of(argv[1]);
        for (int i = 2; i < argc; i++) {
                const int64_t at_utc_ms = START_UTC_MS + g_ascii_strtoll(argv[i], NULL, 10);
                printf("%" G_GINT64_FORMAT "\n",
                       join_instant(block, at_utc_ms, (JoinKeys){before, &packed}) - START_UTC_MS);
        }
        g_free(packed.bytes);
        return EXIT_SUCCESS;
}
