/* `retrovue asrun`, over a record of channel "retro", whose file says America/New_York. */
#include <glib/gstdio.h>
#include <stdio.h>

#include "tests/core/asrun_fixture.h"
#include "tests/core/cli_fixture.h"

typedef struct {
        Fixture record;
        char *out, *err; /* of the last command */
} World;

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        void *record_state = NULL;
        setup(&record_state);
        world->record = *(Fixture *)record_state;
        g_free(record_state);
        g_autofree char *channels = g_build_filename(world->record.dir, "channels", NULL);
        g_autofree char *path = g_build_filename(channels, "retro.yaml", NULL);
        assert_int_equal(g_mkdir_with_parents(channels, 0700), 0);
        assert_true(
                g_file_set_contents(path,
                                    "channel: retro\nchannel_number: 5\nname: Retro\ntimezone: America/New_York\n"
                                    "pools: {all: {match: {type: episode}}}\n"
                                    "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: all}}]}\n",
                                    -1, NULL));
        record(&world->record, segment_start(1, "s1"));
        record(&world->record, segment_end(2, "s1"));
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        Fixture *f = g_new(Fixture, 1);
        *f = world->record;
        void *record_state = f;
        g_free(world->out);
        g_free(world->err);
        g_free(world);
        return teardown(&record_state);
}

static int command(World *world, const char *words) {
        return cli_run(world->record.dir, words, &world->out, &world->err);
}

static void a_day_is_shown_in_the_channels_time(void **state) {
        World *world = *state;
        assert_int_equal(command(world, "asrun show retro --day 2026-11-21"), 0);
        assert_has(world->out, "07:00:01 00:00:30 AIRED      content  event-s1 ");
        assert_int_equal(command(world, "asrun show --channel retro --day 2026-11-20"), 0);
        assert_string_equal(world->out, "");
        assert_has(world->err, "nothing of that is recorded");
        assert_int_equal(command(world, "asrun show retro --from 2026-11-21 --to 2026-11-22 --status short"), 0);
        assert_string_equal(world->out, "");
        assert_int_equal(command(world, "asrun show retro --from 2026-11-21T07:00:00 --to 2026-11-21T12:00:02Z"), 0);
        assert_has(world->out, "event-s1");
}

static void a_day_is_exported_in_each_format(void **state) {
        World *world = *state;
        assert_int_equal(command(world, "asrun export retro --day 2026-11-21"), 0);
        assert_has(world->out, "start_utc,start_local,");
        assert_int_equal(command(world, "asrun export retro --day 2026-11-21 --format json"), 0);
        assert_has(world->out, "\"asset_uri\":\"/media/a.mkv\"");
        g_autofree char *path = g_build_filename(world->record.dir, "day.xml", NULL), *xml = NULL;
        g_autofree char *words = g_strdup_printf("asrun export retro --day 2026-11-21 --format bxf --output %s", path);
        assert_int_equal(command(world, words), 0);
        assert_string_equal(world->out, "");
        assert_true(g_file_get_contents(path, &xml, NULL, NULL));
        assert_has(xml, "<EventId>urn:uuid:s1</EventId>");
        g_autofree char *nowhere =
                g_strdup_printf("asrun export retro --day 2026-11-21 --output %s/none/day.csv", world->record.dir);
        assert_int_equal(command(world, nowhere), 1);
        assert_has(world->err, "none");
}

/* What is recorded outlives the channel's file; then times are UTC. */
static void the_record_of_a_channel_that_is_gone_is_there(void **state) {
        World *world = *state;
        g_autofree char *path = g_build_filename(world->record.dir, "channels", "retro.yaml", NULL);
        assert_int_equal(g_remove(path), 0);
        assert_int_equal(command(world, "asrun show retro --day 2026-11-21"), 0);
        assert_has(world->out, "12:00:01 00:00:30 AIRED");
}

static void wrong_use_is_told(void **state) {
        World *world = *state;
        static const char *const senseless[] = {
                "asrun",
                "asrun show",
                "asrun show retro retro",
                "asrun tell retro",
                "asrun show retro --channel retro",
                "asrun show retro --format xml",
                "asrun show retro --json --format csv",
                "asrun show retro --day yesterday",
                "asrun show retro --day 2026-11-21 --from 2026-11-21",
                "asrun show retro --from soon",
                "asrun show retro --to 2026-11-21 --from 2026-11-21",
                "asrun show retro --output file",
                "asrun show retro --channel=",
                "asrun follow retro --format bxf",
                "asrun follow retro --from 2026-11-21",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(senseless); i++)
                if (command(world, senseless[i]) != 2)
                        fail_msg("%s: %s", senseless[i], world->err);
        assert_int_equal(command(world, "asrun show nope"), 1);
        assert_has(world->err, "there is no channel \"nope\"; there is retro");
        assert_int_equal(command(world, "asrun show retro --status GOOD"), 1);
        assert_has(world->err, "\"GOOD\" is no status");
}

#define CLI_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                CLI_TEST(a_day_is_shown_in_the_channels_time),
                CLI_TEST(a_day_is_exported_in_each_format),
                CLI_TEST(the_record_of_a_channel_that_is_gone_is_there),
                CLI_TEST(wrong_use_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
