#include "tests/core/traffic_fixture.h"

/* What is wrong with a policy, as a text; it must be wrong. */
static char *faults_of(TrafficWorld *world, const char *policy) {
        g_autofree char *yaml = g_strconcat(TRAFFIC_HEAD, policy, NULL);
        char *faults = NULL;
        ChannelSpec *spec = fixture_try_spec(&world->fixture, yaml, NULL, &faults);
        assert_null(spec);
        return faults;
}

static void assert_fault(TrafficWorld *world, const char *policy, const char *place, const char *what) {
        g_autofree char *faults = faults_of(world, policy);
        if (!strstr(faults, place) || !strstr(faults, what))
                print_error("%s%s\n", policy, faults);
        assert_non_null(strstr(faults, place));
        assert_non_null(strstr(faults, what));
}

/* The policy begins in line 6 of the channel file. */
static void INV_TRAFFIC_POLICY_SOURCE_001_faults_have_their_place(void **state) {
        TrafficWorld *world = *state;
        assert_fault(world, "  structur: {}\n", "channel.yaml:6:3", "did you mean \"structure\"");
        assert_fault(world, "  structure: {open: bumpers}\n", "channel.yaml:6:21", "did you mean \"bumper\"");
        assert_fault(world, "  structure: {body: {}}\n", "channel.yaml:6:21", "empty");
        assert_fault(world, "  structure: {body: {promo: 0}}\n", "channel.yaml:6:29", "1");
        assert_fault(world, "  structure: {body: promo}\n", "channel.yaml:6:21", "list");
        assert_fault(world, "  structure: {body: [film]}\n", "channel.yaml:6:22", "\"film\" is not one of");
        assert_fault(world, "  caps: {spots: {per_brake: 1}}\n", "channel.yaml:6:18", "did you mean \"per_break\"");
        assert_fault(world, "  caps: {film: {per_break: 1}}\n", "channel.yaml:6:10", "\"film\" is not one of");
        assert_fault(world, "  caps: {spots: 3}\n", "channel.yaml:6:17", "traffic.caps");
        assert_fault(world, "  separation: {advertiser_seconds: soon}\n", "channel.yaml:6:36", "soon");
        assert_fault(world, "  dayparts: {a: {start: \"06:00\"}}\n", "channel.yaml:6:14",
                     "needs \"start\" and \"end\"");
        assert_fault(world, "  dayparts: {a: {start: \"06:00\", end: \"9\"}}\n", "channel.yaml:6:39", "9");
        assert_fault(world, "  dayparts: {a: {start: \"06:00\", end: \"09:00\", days: mondays}}\n", "channel.yaml:6:54",
                     "did you mean \"monday\"");
        assert_fault(world, "  campaigns: {a: {advertiser: x}}\n", "channel.yaml:6:15", "has no spots");
        assert_fault(world, "  campaigns: [a]\n", "channel.yaml:6:14", "traffic.campaigns");
        assert_fault(world, "  campaigns: {a: {assets: x, flight: 2026-02-30}}\n", "channel.yaml:6:38", "is no flight");
        assert_fault(world, "  campaigns: {a: {assets: x, flight: 2026-03-02..2026-03-01}}\n", "channel.yaml:6:38",
                     "is no flight");
        assert_fault(world, "  campaigns: {a: {assets: x, goal_plays: 3}}\n", "channel.yaml:6:42", "add \"flight\"");
        assert_fault(world, "  campaigns: {a: {assets: x, pacing: fast}}\n", "channel.yaml:6:38", "even, asap");
        assert_fault(world, "  campaigns: {a: {inventory: x}}\n", "channel.yaml:6:15", "no inventory \"x\"");
        assert_fault(world, "  campaigns: {a: {assets: x, dayparts: late}}\n", "channel.yaml:6:15",
                     "no daypart \"late\"");
        assert_fault(world, "  promos: {a: {for: Tavern}}\n", "channel.yaml:6:12", "has no spots");
        assert_fault(world, "  promos: {a: {assets: x, when: tonite}}\n", "channel.yaml:6:33",
                     "is not one of any, today, tonight");
        assert_fault(world, "  promos: {a: {assets: x, within_hours: 1000}}\n", "channel.yaml:6:41", "336");
        assert_fault(world, "  promo_within_hours: soon\n", "channel.yaml:6:23", "soon");
}

static void all_faults_are_told_at_once(void **state) {
        TrafficWorld *world = *state;
        g_autofree char *faults = faults_of(world, "  caps: {film: {}}\n"
                                                   "  separation: {category_seconds: -1}\n"
                                                   "  campaigns:\n"
                                                   "    a: {assets: x, priority: 11}\n"
                                                   "    b: {assets: x, weight: 1000}\n");
        for (int line = 6; line <= 10; line++) {
                g_autofree char *place = g_strdup_printf("channel.yaml:%d:", line);
                if (line != 8)
                        assert_non_null(strstr(faults, place));
        }
}

static void INV_TRAFFIC_POLICY_SOURCE_001_the_channels_word_over_the_defaults(void **state) {
        TrafficWorld *world = *state;
        g_autofree char *defaults =
                fixture_write(&world->fixture, "_defaults.yaml",
                              "traffic:\n"
                              "  structure: {open: stinger, close: none, body: [psa]}\n"
                              "  caps: {spots: {per_break: 4, per_hour: 20}}\n"
                              "  dayparts: {night: {start: \"22:00\", end: \"06:00\", allowed_types: [psa]}}\n"
                              "  inventories: {soap: {assets: Soap, advertiser: A}, car: {assets: Car}}\n");
        traffic_ready(world, "  structure: {close: bumper}\n"
                             "  caps: {spots: {per_break: 2}}\n"
                             "  inventories: {soap: {assets: Soap, advertiser: B}}\n"
                             "  campaigns: {soap: {inventory: soap, dayparts: [night], flight: [2026-01-01, "
                             "2026-02-01..2026-02-28]}}\n");
        const BreakPolicy *policy = channel_spec_policy(world->spec);
        assert_int_equal(policy->rules.open[0], ASSET_STINGER);
        assert_int_equal(policy->rules.close[0], ASSET_BUMPER);
        assert_int_equal(policy->rules.close[1], 0);
        assert_int_equal(policy->rules.share[ASSET_PSA], 1);
        assert_int_equal(policy->rules.caps[0].per_break, 2);
        assert_int_equal(policy->rules.caps[0].per_hour, 20);
        assert_int_equal(policy->dayparts->len, 1);
        assert_int_equal(policy->groups->len, 3); /* the inventory that is stated again is one */
        const SpotGroup *campaign = policy->groups->pdata[2];
        assert_true(campaign->campaign);
        assert_string_equal(spot_group_inventory(policy->groups, campaign)->advertiser, "B");
        assert_int_equal(campaign->flights->len, 2);
        assert_string_equal(g_array_index(campaign->flights, Flight, 1).last, "2026-02-28");
        assert_int_equal(campaign->priority, 5);
        assert_int_equal(campaign->weight, 1);
}

static void campaigns_may_be_a_file_of_their_own(void **state) {
        TrafficWorld *world = *state;
        g_autofree char *path =
                fixture_write(&world->fixture, "spring.yaml", "campaigns: {soap: {assets: Soap, weight: 3}}\n");
        traffic_ready(world, "  campaigns: !include spring.yaml:campaigns\n");
        assert_int_equal(((const SpotGroup *)channel_spec_policy(world->spec)->groups->pdata[0])->weight, 3);
        g_autofree char *wrong = fixture_write(&world->fixture, "spring.yaml", "campaigns:\n  soap: {asets: Soap}\n");
        assert_fault(world, "  campaigns: !include spring.yaml:campaigns\n",
                     "spring.yaml:2:", "did you mean \"assets\"");
}

static void a_campaign_that_the_catalog_does_not_know_is_a_warning(void **state) {
        TrafficWorld *world = *state;
        fixture_asset(&world->fixture, ASSET_COMMERCIAL, "Soap", 30000);
        world->catalog = fixture_catalog(&world->fixture);
        g_autofree char *faults = NULL;
        world->spec = fixture_try_spec(&world->fixture,
                                       TRAFFIC_HEAD "  campaigns:\n"
                                                    "    soap: {assets: Soap}\n"
                                                    "    car: {assets: Car}\n"
                                                    "  promos:\n"
                                                    "    right: {assets: Soap, for: [\"a\", none]}\n"
                                                    "    free: {assets: Soap, for: none}\n",
                                       world->catalog, &faults);
        assert_non_null(world->spec);
        assert_non_null(strstr(faults, "channel.yaml:8:5"));
        assert_non_null(strstr(faults, "campaign \"car\": the catalog has none of its spots"));
        assert_null(strstr(faults, "soap"));
        assert_non_null(strstr(faults, "channel.yaml:10:5"));
        assert_non_null(strstr(faults, "promos \"right\": the catalog has neither a series nor a film \"none\""));
        assert_null(strstr(faults, "film \"a\""));
        assert_null(strstr(faults, "free"));
}

/* The example of docs/TRAFFIC.md is one that is read without a fault. */
static void what_the_manual_shows_can_be_used(void **state) {
        TrafficWorld *world = *state;
        g_autofree char *page = NULL;
        assert_true(g_file_get_contents(RV_SOURCE_DIR "/docs/TRAFFIC.md", &page, NULL, NULL));
        g_auto(GStrv) parts = g_strsplit(page, "```", -1);
        const char *policy = strstr(parts[1], "traffic:\n");
        assert_non_null(policy);
        traffic_ready(world, policy + strlen("traffic:\n"));
        const BreakPolicy *read = channel_spec_policy(world->spec);
        assert_int_equal(read->groups->len, 2);
        assert_int_equal(read->dayparts->len, 2);
        assert_int_equal(read->rules.caps[ASSET_COMMERCIAL].seconds_per_hour, 720);
}

#define T(f) cmocka_unit_test_setup_teardown(f, traffic_set_up, traffic_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_TRAFFIC_POLICY_SOURCE_001_faults_have_their_place),
                T(all_faults_are_told_at_once),
                T(INV_TRAFFIC_POLICY_SOURCE_001_the_channels_word_over_the_defaults),
                T(campaigns_may_be_a_file_of_their_own),
                T(what_the_manual_shows_can_be_used),
                T(a_campaign_that_the_catalog_does_not_know_is_a_warning),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
