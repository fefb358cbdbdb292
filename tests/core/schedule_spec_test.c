#include "core/plan/schedule/policy.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"

#define HEAD                                                                                                           \
        "channel: one\n"                                                                                               \
        "timezone: America/New_York\n"
#define POOLS "pools: {all: {match: {type: episode}}, films: {match: {type: movie}}}\n"
#define ALL_DAY "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: all}}]}\n"

static int set_up(void **state) {
        Fixture *fixture = g_new0(Fixture, 1);
        fixture_begin(fixture);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        fixture_end(*state);
        g_free(*state);
        return 0;
}

/* The text must be refused with that in its faults. */
static void refused(const Fixture *fixture, const char *text, const char *what) {
        g_autofree char *faults = NULL;
        g_autoptr(ChannelSpec) spec = fixture_try_spec(fixture, text, NULL, &faults);
        if (spec || !strstr(faults, what))
                print_error("%s\nfaults: %s\nexpected: %s\n", text, faults, what);
        assert_null(spec);
        assert_non_null(strstr(faults, what));
}

static void accepted(const Fixture *fixture, const char *text) {
        g_autoptr(ChannelSpec) spec = fixture_spec(fixture, text);
        assert_non_null(spec);
}

static void a_full_file_says_what_it_says(void **state) {
        g_autoptr(ChannelSpec) spec = fixture_spec(
                *state,
                "channel: prime\nchannel_number: 7\nname: Prime Time\nchannel_type: movie\ntimezone: Europe/Berlin\n"
                "logo: prime.png\ngroup: Films\nbroadcast_day_start: \"05:00\"\nnotes: [anything, {at: all}]\n"
                "format:\n  video: {width: 640, height: 360, frame_rate: \"25\", bitrate_kbps: 900, preset: fast}\n"
                "  audio: {sample_rate: 48000, channels: 2}\n  grid_minutes: 15\n"
                "filler: {path: filler.mp4, duration_ms: 60000}\n"
                "traffic: {allowed_types: [promo, bumper], default_cooldown_seconds: 60,\n"
                "          type_cooldowns: {promo: 600}, max_plays_per_day: 9,\n"
                "          breaks: {per_half_hour: 2, min_act_sec: 60, min_break_sec: 5, fade_ms: 250}}\n"
                "pools:\n  f: {match: {type: movie, genre: [Horror, Thriller], rating: {exclude: [R]}, decade: "
                "1980s}}\n"
                "schedule:\n  all_day:\n"
                "    - movie_marathon: {start: \"05:00\", end: \"05:00\", title: All, movie_selector: {pool: f}}\n");
        assert_string_equal(spec->id, "prime");
        assert_int_equal(spec->number, 7);
        assert_string_equal(spec->name, "Prime Time");
        assert_int_equal(spec->type, CHANNEL_MOVIE);
        assert_int_equal(spec->grid_minutes, 15);
        assert_int_equal(spec->format.video_preset, VIDEO_FAST);
        assert_int_equal(spec->day_start_minutes, 300);
        assert_int_equal(spec->format.width, 640);
        assert_int_equal(spec->format.rate.num, 25);
        assert_int_equal(spec->format.gop_frames, 25);
        assert_int_equal(strlen(spec->source_sha256), 64);
        const BreakPolicy *policy = channel_spec_policy(spec);
        assert_true(policy->rules.allowed[ASSET_PROMO] && policy->rules.allowed[ASSET_BUMPER] &&
                    !policy->rules.allowed[ASSET_COMMERCIAL]);
        assert_int_equal(policy->cooldown_ms[ASSET_BUMPER], 60000);
        assert_int_equal(policy->cooldown_ms[ASSET_PROMO], 600000);
        assert_int_equal(policy->max_plays_per_day, 9);
        assert_int_equal(policy->breaks_per_half_hour, 2);
        assert_int_equal(policy->fade_ms, 250);
}

static void coders_are_chosen_by_name(void **state) {
        g_autoptr(ChannelSpec) spec = fixture_spec(
                *state, HEAD POOLS "format: {video: {encoder: va, buffer_ms: 300}, audio: {codec: ac3}}\n" ALL_DAY);
        assert_int_equal(spec->format.video_encoder, ENCODER_VA);
        assert_int_equal(spec->format.video_buffer_ms, 300);
        assert_int_equal(spec->format.audio_codec, AUDIO_AC3);
        assert_int_equal(spec->format.audio_bitrate_kbps, 192);
        g_autoptr(ChannelSpec) other =
                fixture_spec(*state, HEAD POOLS "format: {audio: {bitrate_kbps: 256, codec: mp2}}\n" ALL_DAY);
        assert_int_equal(other->format.audio_codec, AUDIO_MP2);
        assert_int_equal(other->format.audio_bitrate_kbps, 256);
        assert_int_equal(other->format.video_encoder, ENCODER_SOFTWARE);
        refused(*state, HEAD POOLS "format: {audio: {codec: opus}}\n" ALL_DAY, "aac");
        refused(*state, HEAD POOLS "format: {video: {encoder: gpu}}\n" ALL_DAY, "nvenc");
        refused(*state, HEAD POOLS "format: {audio: {codec: ac3, bitrate_kbps: 130}}\n" ALL_DAY, "one that ac3 has");
}

static void a_second_rendition_has_the_shape_of_the_first(void **state) {
        g_autoptr(ChannelSpec) spec =
                fixture_spec(*state, HEAD POOLS "format: {renditions: [{height: 360, bitrate_kbps: 800}]}\n" ALL_DAY);
        assert_int_equal(spec->format.second_width, 640);
        assert_int_equal(spec->format.second_height, 360);
        assert_int_equal(spec->format.second_bitrate_kbps, 800);
        g_autoptr(ChannelSpec) odd =
                fixture_spec(*state, HEAD POOLS "format: {video: {width: 854, height: 480}, renditions: [{height: 240, "
                                                "bitrate_kbps: 400}]}\n" ALL_DAY);
        assert_int_equal(odd->format.second_width, 426);
        g_autoptr(ChannelSpec) none = fixture_spec(*state, HEAD POOLS "format: {renditions: []}\n" ALL_DAY);
        assert_false(house_format_has_second(&none->format));
        refused(*state, HEAD POOLS "format: {renditions: [{height: 720, bitrate_kbps: 800}]}\n" ALL_DAY, "less than");
        refused(*state, HEAD POOLS "format: {renditions: [{height: 360}]}\n" ALL_DAY, "needs");
        refused(*state,
                HEAD POOLS
                "format: {renditions: [{height: 360, bitrate_kbps: 800}, {height: 240, bitrate_kbps: 400}]}\n" ALL_DAY,
                "one more");
}

static void what_browsers_do_not_play_is_said(void **state) {
        g_autofree char *faults = NULL;
        g_autoptr(ChannelSpec) spec =
                fixture_try_spec(*state, HEAD POOLS "format: {audio: {codec: mp2}}\n" ALL_DAY, NULL, &faults);
        assert_non_null(spec);
        assert_non_null(strstr(faults, "browsers"));
}

static void INV_SCHEDULE_FAULTS_001_all_faults_in_one_run_with_their_places(void **state) {
        g_autofree char *faults = NULL;
        g_autoptr(ChannelSpec) spec = fixture_try_spec(
                *state,
                "channel: One Two\ntimezon: UTC\npools:\n  all:\n    match: {typ: episode}\nschedule:\n  all_day:\n"
                "    - block: {start: 6am, duration: 24h, pol: all}\n",
                NULL, &faults);
        assert_null(spec);
        assert_non_null(strstr(faults, "channel.yaml:1:10: \"One Two\" cannot name a channel"));
        assert_non_null(strstr(faults, "channel.yaml:2:1: unknown key \"timezon\""));
        assert_non_null(strstr(faults, "did you mean \"timezone\"?"));
        assert_non_null(strstr(faults, "channel.yaml:5:13: unknown key \"typ\""));
        assert_non_null(strstr(faults, "channel.yaml:8:22: \"6am\" is not a time of day"));
        assert_non_null(strstr(faults, "unknown key \"pol\""));
        assert_non_null(strstr(faults, "did you mean \"pool\"?"));
}

static void INV_SCHEDULE_FAULTS_001_each_kind_of_fault_is_named(void **state) {
        const Fixture *fixture = *state;
        refused(fixture, "[]\n", "a channel file must be keys and values");
        refused(fixture, "", "channel.yaml");
        refused(fixture, "timezone: UTC\n" POOLS ALL_DAY, "\"channel\" is missing");
        refused(fixture, "channel: one\n" POOLS ALL_DAY, "\"timezone\" is missing");
        refused(fixture, "channel: one\ntimezone: Mars/Phobos\n" POOLS ALL_DAY, "no time zone \"Mars/Phobos\"");
        refused(fixture, "channel: one\ntimezone: \"+02:00\"\n" POOLS ALL_DAY, "no time zone");
        refused(fixture, HEAD POOLS, "\"schedule\" is missing");
        refused(fixture, HEAD POOLS "schedule: {}\n", "schedule has no layer");
        refused(fixture, HEAD POOLS "schedule: {all_day: []}\n", "schedule.all_day is empty");
        refused(fixture, HEAD POOLS "schedule: {funday: []}\n", "unknown key \"funday\"");
        refused(fixture, HEAD POOLS "format: {grid_minutes: 7}\n" ALL_DAY,
                "grid_minutes must be 5, 10, 15, 20, 30 or 60");
        refused(fixture, "channel: one\ntimezone: Australia/Lord_Howe\nformat: {grid_minutes: 60}\n" POOLS ALL_DAY,
                "does not go with Australia/Lord_Howe");
        refused(fixture, HEAD POOLS "format: {video: {frame_rate: fast}}\n" ALL_DAY, "\"fast\" is not a frame rate");
        refused(fixture, HEAD POOLS "format: {video: {width: 641}}\n" ALL_DAY, "format cannot be put on the air");
        refused(fixture, HEAD POOLS "traffic: {allowed_types: [comercial]}\n" ALL_DAY, "did you mean \"commercial\"?");
        refused(fixture, HEAD POOLS "filler: {path: a.mp4}\n" ALL_DAY, "filler needs \"duration_ms\"");
        refused(fixture, HEAD POOLS "filler: {pool: nope}\n" ALL_DAY, "no pool \"nope\" (used in filler)");
        refused(fixture, HEAD "pools: {all: {order: newest}}\n" ALL_DAY, "pools.all has no \"match\"");
        refused(fixture, HEAD "pools: {all: {match: {type: film}}}\n" ALL_DAY, "\"film\" is not one of");
        refused(fixture, HEAD "pools: {all: {match: {season: two}}}\n" ALL_DAY,
                "\"two\" is neither a number nor a range");
        refused(fixture, HEAD "pools: {all: {match: {year_range: [1999, 1990]}}}\n" ALL_DAY, "ends before it begins");
        refused(fixture, HEAD "pools: {all: {match: {genre: []}}}\n" ALL_DAY, "this list is empty");
        refused(fixture, HEAD POOLS "name: \"a\\nb\"\n" ALL_DAY, "\"name\" must be a single line");
        refused(fixture, HEAD "pools: {\"\": {match: {type: movie}}}\n" ALL_DAY, "must not be empty");
        refused(fixture, HEAD POOLS "channel_number: 99999999999999999999999\n" ALL_DAY, "from 1 to 9999");
        refused(fixture, HEAD POOLS "schedule: {dates: {10000-01-01: {start: \"06:00\", pool: all}}}\n",
                "\"10000-01-01\" is neither a date");
        accepted(fixture, HEAD POOLS "schedule: {dates: {9999-12-31: {start: \"06:00\", pool: all}}}\n");
        accepted(fixture, "\xef\xbb\xbf" HEAD POOLS ALL_DAY);
}

/* Text that repeats a line with a number in it. */
static char *many(const char *head, const char *line, int n, const char *tail) {
        g_autoptr(GString) text = g_string_new(head);
        g_auto(GStrv) parts = g_strsplit(line, "#", 2);
        for (int i = 0; i < n; i++)
                g_string_append_printf(text, "%s%d%s", parts[0], i, parts[1]);
        g_string_append(text, tail);
        return g_string_free(g_steal_pointer(&text), false);
}

static void INV_SCHEDULE_FAULTS_001_there_may_be_much_but_not_too_much(void **state) {
        const Fixture *fixture = *state;
        g_autofree char *values =
                many(HEAD "pools: {all: {match: {title: [", "T#, ", 100000, "T]}}, films: {match: {}}}\n" ALL_DAY);
        g_autofree char *pools =
                many(HEAD "pools:\n  all: {match: {type: movie}}\n", "  p#: {match: {type: movie}}\n", 10000, ALL_DAY);
        g_autofree char *entries = many(HEAD POOLS "schedule:\n  all_day:\n",
                                        "  - {start: \"06:00\", title: \"#\", pool: all}\n", 10000, "");
        g_autofree char *unknown =
                many(HEAD POOLS "schedule: {all_day: {start: \"06:00\", pools: [", "q#, ", 3000, "q]}}\n");
        accepted(fixture, values);
        refused(fixture, pools, "there are more than 10000 pools");
        refused(fixture, entries, "more than 5000 entries");
        refused(fixture, unknown, "no pool \"q0\" (used in schedule.all_day[0])");
}

static void INV_SCHEDULE_FAULTS_001_each_fault_of_an_entry_is_named(void **state) {
        const Fixture *fixture = *state;
#define ONE(entry) HEAD POOLS "schedule: {all_day: [" entry "]}\n"
        refused(fixture, ONE("{block: {start: \"06:00\", duration: 24h, pool: al}}"),
                "no pool \"al\" (used in schedule.all_day[0]): did you mean \"all\"?");
        refused(fixture, ONE("{block: {start: \"06:00\", duration: 24h}}"), "needs either \"pool\" or \"pools\"");
        refused(fixture, ONE("{block: {duration: 24h, pool: all}}"), "needs a \"start\"");
        accepted(fixture, ONE("{block: {start: \"06:00\", pool: all}}"));
        refused(fixture, ONE("{block: {start: \"06:00\", end: \"07:00\", duration: 1h, pool: all}}"), "not both");
        refused(fixture, ONE("{block: {start: \"06:00\", duration: 1.5h, pool: all}}"), "1.5h");
        refused(fixture, ONE("{block: {start: \"06:00\", duration: 25h, pool: all}}"), "25h");
        refused(fixture, ONE("{block: {start: \"06:00\", duration: 24h, pool: all, mode: shufle}}"),
                "did you mean \"shuffle\"?");
        refused(fixture, ONE("{block: {start: \"06:00\", duration: 24h, pool: all}, movie_block: {}}"),
                "must be one of");
        refused(fixture, ONE("{movie_marathon: {start: \"06:00\", duration: 4h}}"), "needs a \"movie_selector\"");
        refused(fixture, ONE("just text"), "must be keys and values");
        refused(fixture, ONE("{block: {start: \"06:00\", duration: -5m, pool: all}}"), "found \"-5m\"");
        refused(fixture, ONE("{block: {start: 6am, duration: -5m, pool: al}}"), "found \"-5m\"");
        refused(fixture, ONE("{block: {start: 6am, duration: -5m, pool: al}}"), "did you mean \"all\"?");
        refused(fixture, ONE("{start: 6am, slots: [{program: 1, episode_slector: 2}]}"), "\"episode_slector\"");
        refused(fixture, ONE("{start: \"06:00\", pool: all}, {start: \"06:00\", pool: all}"),
                "two entries of schedule.all_day start at 06:00: this one and that of line");
        accepted(fixture, ONE("{start: \"24:00\", pool: all}"));
        accepted(fixture, ONE("{block: {start: \"06:00\", duration: 3h30m, pools: [all, films], mode: shuffle}}"));
        accepted(fixture, HEAD POOLS "schedule: {all_day: {block: {start: \"06:00\", end: \"06:00\", pool: [all]}}}\n");
}

static void INV_PLAN_GRID_ALIGNMENT_001_times_off_the_grid_are_refused(void **state) {
        const Fixture *fixture = *state;
        refused(fixture, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:10\", duration: 1h, pool: all}}]}\n",
                "06:10 is not on the channel's 30-minute grid");
        refused(fixture, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", end: \"07:15\", pool: all}}]}\n",
                "07:15 is not on the channel's 30-minute grid");
        refused(fixture, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", duration: 45m, pool: all}}]}\n",
                "45m is not on the channel's 30-minute grid");
        refused(fixture, HEAD POOLS "broadcast_day_start: \"05:45\"\n" ALL_DAY, "broadcast_day_start is not on");
        accepted(fixture, HEAD POOLS "format: {grid_minutes: 15}\n"
                                     "schedule: {all_day: [{block: {start: \"06:45\", duration: 45m, pool: all}}]}\n");
}

static void INV_PLAN_NO_ZONE_OVERLAP_001_entries_of_a_layer_do_not_meet(void **state) {
        const Fixture *fixture = *state;
        refused(fixture,
                HEAD POOLS "schedule:\n  monday:\n    - block: {start: \"20:00\", duration: 2h, pool: all}\n"
                           "    - block: {start: \"21:00\", duration: 2h, pool: all}\n",
                "two entries of schedule.monday meet: one runs until 22:00 (line 6), this one starts at 21:00");
        refused(fixture,
                HEAD POOLS "schedule:\n  all_day:\n    - block: {start: \"06:00\", duration: 2h, pool: all}\n"
                           "    - block: {start: \"04:00\", duration: 4h, pool: all}\n",
                "two entries of schedule.all_day meet");
        accepted(fixture,
                 HEAD POOLS "schedule:\n  all_day:\n    - block: {start: \"06:00\", duration: 24h, pool: all}\n"
                            "  friday:\n    - block: {start: \"20:00\", duration: 2h, pool: all}\n");
}

static void INV_SCHEDULE_FAULTS_001_an_empty_pool_is_named_with_its_use(void **state) {
        Fixture *fixture = *state;
        g_autofree char *faults = NULL, *film_faults = NULL;
        fixture_asset(fixture, ASSET_MOVIE, "Short", 40 * MINUTE);
        CatalogSnapshot *catalog = fixture_catalog(fixture);
        g_autoptr(ChannelSpec) none = fixture_try_spec(fixture, HEAD POOLS ALL_DAY, catalog, &faults);
        assert_null(none);
        assert_non_null(strstr(faults, "pool \"all\" (used in all_day@06:00) is empty"));
        g_autoptr(ChannelSpec) films =
                fixture_try_spec(fixture,
                                 HEAD POOLS "schedule: {all_day: [{movie_marathon: {start: \"06:00\", end: \"06:00\", "
                                            "movie_selector: {pool: films}}}]}\n",
                                 catalog, &film_faults);
        assert_null(films);
        assert_non_null(strstr(film_faults, "none of its 1 assets"));
        assert_non_null(strstr(film_faults, "min_duration_sec"));
        catalog_snapshot_unref(catalog);
}

static void a_directory_gives_channels_by_number(void **state) {
        Fixture *fixture = *state;
        g_autofree char *dir = g_build_filename(fixture->dir, "channels", NULL);
        assert_int_equal(g_mkdir(dir, 0755), 0);
        g_autofree char *a = g_build_filename(dir, "a.yaml", NULL), *b = g_build_filename(dir, "b.yaml", NULL);
        g_autofree char *c = g_build_filename(dir, "c.yaml", NULL), *d = g_build_filename(dir, "d.yaml", NULL);
        g_autofree char *defaults = g_build_filename(dir, "_defaults.yaml", NULL);
        assert_true(g_file_set_contents(a, "channel: a\nchannel_number: 9\ntimezone: UTC\n" POOLS ALL_DAY, -1, NULL));
        assert_true(g_file_set_contents(b, "channel: b\ntimezone: UTC\ntraffic: {max_plays_per_day: 3}\n" POOLS ALL_DAY,
                                        -1, NULL));
        assert_true(g_file_set_contents(c, "channel: a\ntimezone: UTC\n" POOLS ALL_DAY, -1, NULL));
        assert_true(g_file_set_contents(d, "channel: d\nchannel_number: 9\ntimezone: UTC\n" POOLS ALL_DAY, -1, NULL));
        assert_true(g_file_set_contents(defaults, "traffic: {max_plays_per_day: 5, default_cooldown_seconds: 60}\n", -1,
                                        NULL));
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(GPtrArray) specs = channel_specs_load(dir, NULL, diag);
        g_autofree char *faults = diag_text(diag);
        assert_int_equal(specs->len, 2);
        const ChannelSpec *first = specs->pdata[0], *second = specs->pdata[1];
        assert_string_equal(first->id, "b");
        assert_int_equal(first->number, 1);
        assert_string_equal(second->id, "a");
        assert_int_equal(diag_errors(diag), 2);
        assert_non_null(strstr(faults, "channel \"a\" is defined in"));
        assert_non_null(strstr(faults, "channel_number 9 is that of \"a\""));
        assert_int_equal(channel_spec_policy(first)->max_plays_per_day, 3);
        assert_int_equal(channel_spec_policy(first)->cooldown_ms[ASSET_PROMO], 60000);
        assert_int_equal(channel_spec_policy(second)->max_plays_per_day, 5);
        g_autofree char *nowhere = g_build_filename(dir, "nowhere", NULL);
        g_autoptr(GPtrArray) none = channel_specs_load(nowhere, NULL, diag);
        assert_int_equal(none->len, 0);
        assert_int_equal(diag_errors(diag), 3);
}

/* Whatever is done to a good file: it is read or refused with a reason, and nothing else happens. */
static void INV_SCHEDULE_FAULTS_001_any_bytes_are_read_or_refused(void **state) {
        static const char good[] =
                HEAD "format: {video: {width: 640, height: 360, frame_rate: 25}, grid_minutes: 15}\n" POOLS
                     "filler: {pool: all}\ntraffic: {allowed_types: [promo], breaks: {per_half_hour: 2}}\n"
                     "schedule:\n  all_day:\n    - block: {start: \"06:00\", duration: 3h30m, pool: [all, films], "
                     "mode: shuffle}\n"
                     "    - movie_marathon: {start: \"10:00\", end: \"12:00\", movie_selector: {pool: films}}\n"
                     "  friday:\n    - movie_block: {start: \"20:00\", movie_selector: {pool: films, rating: [PG]}}\n";
        static const char bits[] = "{}[]:,-\"'#&*!|>%@\n 0Z\t~";
        GRand *rand = chance_new();
        accepted(*state, good);
        for (int i = 0; i < 1500; i++) {
                g_autoptr(GString) text = g_string_new(good);
                for (int n = g_rand_int_range(rand, 1, 4); n > 0; n--) {
                        const gssize at = g_rand_int_range(rand, 0, (gint32)text->len);
                        if (g_rand_boolean(rand))
                                g_string_insert_c(text, at, bits[g_rand_int_range(rand, 0, sizeof(bits) - 1)]);
                        else
                                g_string_erase(text, at, MIN(7, (gssize)text->len - at));
                        if (text->len == 0)
                                break;
                }
                g_autofree char *faults = NULL;
                g_autoptr(ChannelSpec) spec = fixture_try_spec(*state, text->str, NULL, &faults);
                assert_true(spec || *faults);
        }
        g_rand_free(rand);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(a_full_file_says_what_it_says),
                T(coders_are_chosen_by_name),
                T(a_second_rendition_has_the_shape_of_the_first),
                T(what_browsers_do_not_play_is_said),
                T(INV_SCHEDULE_FAULTS_001_all_faults_in_one_run_with_their_places),
                T(INV_SCHEDULE_FAULTS_001_each_kind_of_fault_is_named),
                T(INV_SCHEDULE_FAULTS_001_each_fault_of_an_entry_is_named),
                T(INV_SCHEDULE_FAULTS_001_there_may_be_much_but_not_too_much),
                T(INV_PLAN_GRID_ALIGNMENT_001_times_off_the_grid_are_refused),
                T(INV_PLAN_NO_ZONE_OVERLAP_001_entries_of_a_layer_do_not_meet),
                T(INV_SCHEDULE_FAULTS_001_an_empty_pool_is_named_with_its_use),
                T(INV_SCHEDULE_FAULTS_001_any_bytes_are_read_or_refused),
                T(a_directory_gives_channels_by_number),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
