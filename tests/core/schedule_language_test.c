/* The language of channel files: layers, what they inherit, templates, slots, and the shapes of files that there are.
 */
#include "core/plan/schedule/policy.h"
#include "tests/core/schedule_fixture.h"

static int set_up(void **state) {
        world_set_up(state);
        World *world = *state;
        fixture_series(&world->fixture, "A", 12, 22 * MINUTE);
        fixture_series(&world->fixture, "B", 12, 22 * MINUTE);
        fixture_series(&world->fixture, "C", 12, 50 * MINUTE);
        for (int i = 0; i < 12; i++) {
                g_autofree char *title = g_strdup_printf("Film %d", i);
                fixture_asset(&world->fixture, ASSET_MOVIE, title, (80 + i) * MINUTE);
        }
        return 0;
}

static void assert_entry_at(const World *world, const char *day, const char *iso, const char *entry) {
        g_autoptr(ScheduleDay) compiled = compile(world, day, NULL);
        const Programme *programme = at(compiled, iso);
        assert_non_null(programme);
        assert_string_equal(programme->entry ? programme->entry : "(nothing)", entry);
}

static void refused(const World *world, const char *text, const char *what) {
        g_autofree char *faults = NULL;
        g_autoptr(ChannelSpec) spec = fixture_try_spec(&world->fixture, text, NULL, &faults);
        if (spec || !strstr(faults, what))
                print_error("%s\nfaults: %s\nexpected: %s\n", text, faults, what);
        assert_null(spec);
        assert_non_null(strstr(faults, what));
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

static void INV_LANGUAGE_LAYERS_001_the_most_specific_lies_on_top(void **state) {
        World *world = *state;
        ready(world, HEAD POOLS
              "schedule:\n"
              "  all_day:\n    - block: {start: \"06:00\", end: \"06:00\", pool: a}\n"
              "  weekdays:\n    - block: {start: \"12:00\", end: \"14:00\", pool: b}\n"
              "  friday:\n    - block: {start: \"12:00\", end: \"13:00\", pool: b}\n"
              "  seasons:\n    advent:\n      dates: 12-01..12-26\n      entries:\n"
              "        - block: {start: \"12:00\", end: \"12:30\", pool: a}\n"
              "      weekends:\n        - block: {start: \"12:00\", end: \"12:30\", pool: b}\n"
              "  dates:\n    2026-12-24..2026-12-26:\n      - block: {start: \"12:00\", end: \"12:30\", pool: b}\n"
              "    2026-12-25:\n      - block: {start: \"12:00\", end: \"12:30\", pool: a}\n");
        assert_entry_at(world, "2026-11-22", "2026-11-22T17:00:00Z", "all_day@06:00");  /* Sunday */
        assert_entry_at(world, "2026-11-23", "2026-11-23T17:00:00Z", "weekdays@12:00"); /* Monday */
        assert_entry_at(world, "2026-11-27", "2026-11-27T17:00:00Z", "friday@12:00");
        assert_entry_at(world, "2026-11-27", "2026-11-27T18:00:00Z", "weekdays@12:00"); /* shows through behind it */
        assert_entry_at(world, "2026-12-04", "2026-12-04T17:00:00Z", "seasons.advent@12:00");
        assert_entry_at(world, "2026-12-05", "2026-12-05T17:00:00Z", "seasons.advent.weekends@12:00");
        assert_entry_at(world, "2027-12-04", "2027-12-04T17:00:00Z", "seasons.advent.weekends@12:00");
        assert_entry_at(world, "2026-12-24", "2026-12-24T17:00:00Z", "dates.2026-12-24..2026-12-26@12:00");
        assert_entry_at(world, "2026-12-25", "2026-12-25T17:00:00Z", "dates.2026-12-25@12:00");
        assert_entry_at(world, "2026-12-25", "2026-12-25T17:30:00Z", "friday@12:00");
        assert_entry_at(world, "2026-12-27", "2026-12-27T17:00:00Z", "all_day@06:00");
}

static void INV_LANGUAGE_LAYERS_001_dates_are_days_and_may_run_over_the_year(void **state) {
        World *world = *state;
        ready(world, HEAD POOLS "schedule:\n"
                                "  all_day: [{block: {start: \"06:00\", pool: a}}]\n"
                                "  dates:\n"
                                "    - dates: [12-31..01-02, 2026-02-14]\n"
                                "      name: feast\n"
                                "      entries: [{block: {start: \"06:00\", pool: b}}]\n");
        assert_entry_at(world, "2026-12-30", "2026-12-30T17:00:00Z", "all_day@06:00");
        assert_entry_at(world, "2026-12-31", "2026-12-31T17:00:00Z", "dates.feast@06:00");
        assert_entry_at(world, "2030-01-02", "2030-01-02T17:00:00Z", "dates.feast@06:00");
        assert_entry_at(world, "2030-01-03", "2030-01-03T17:00:00Z", "all_day@06:00");
        assert_entry_at(world, "2026-02-14", "2026-02-14T17:00:00Z", "dates.feast@06:00");
        assert_entry_at(world, "2027-02-14", "2027-02-14T17:00:00Z", "all_day@06:00");
        /* Yesterday's entry plays to its end; today's layer begins with its day. */
        assert_entry_at(world, "2027-01-02", "2027-01-03T10:00:00Z", "dates.feast@06:00");
        refused(world, HEAD POOLS "schedule: {dates: {2026-02-30: [{block: {start: \"06:00\", pool: a}}]}}\n",
                "\"2026-02-30\" is neither a date nor a range");
        refused(world,
                HEAD POOLS "schedule: {dates: {2026-12-26..2026-12-24: [{block: {start: \"06:00\", pool: a}}]}}\n",
                "\"2026-12-26..2026-12-24\" ends before it begins");
        refused(world, HEAD POOLS "schedule: {dates: {2026-12-26..01-02: [{block: {start: \"06:00\", pool: a}}]}}\n",
                "is neither a date nor a range");
        refused(world, HEAD POOLS "schedule: {seasons: {summer: {entries: []}}}\n", "needs \"dates\"");
        refused(world, HEAD POOLS "schedule: {dates: x}\n", "must be keys and values, or a list");
}

/* --- inheriting --------------------------------------------------------------------------------------------------- */

static void INV_LANGUAGE_INHERIT_001_a_zone_changes_single_fields(void **state) {
        World *world = *state;
        ready(world, HEAD POOLS
              "schedule:\n"
              "  all_day:\n"
              "    - block: {start: \"06:00\", end: \"20:00\", pool: a}\n"
              "    - movie_marathon:\n        start: \"20:00\"\n        end: \"02:00\"\n        allow_bleed: true\n"
              "        movie_selector: {pool: films, mode: sequential, max_duration_sec: 5400}\n"
              "  saturday:\n"
              "    - movie_marathon: {start: \"20:00\", end: \"23:00\"}\n"
              "  sunday:\n"
              "    - movie_marathon: {start: \"20:00\", movie_selector: {max_duration_sec: 4860}}\n"
              "  dates:\n"
              "    2026-12-25..2026-12-27:\n"
              "      - movie_marathon: {start: \"20:00\", title: Christmas}\n");
        g_autoptr(ScheduleDay) friday = compile(world, "2026-11-20", NULL),
                               saturday = compile(world, "2026-11-21", NULL);
        g_autoptr(ScheduleDay) sunday = compile(world, "2026-11-22", NULL);
        assert_string_equal(at(friday, "2026-11-21T04:30:00Z")->entry, "all_day@20:00");
        assert_string_equal(at(saturday, "2026-11-22T01:30:00Z")->entry, "saturday@20:00");
        assert_string_equal(at(saturday, "2026-11-22T01:30:00Z")->title, "Film 0");     /* pool, mode: as below */
        assert_string_equal(at(sunday, "2026-11-23T06:00:00Z")->entry, "sunday@20:00"); /* the end below */
        for (guint i = 0; i < sunday->programmes->len; i++) {
                const Programme *programme = sunday->programmes->pdata[i];
                assert_true(programme->kind != ASSET_MOVIE || programme->content_ms <= 81 * MINUTE);
        }
        /* A dated entry inherits from what lies below it on that day of the week. */
        g_autoptr(ScheduleDay) christmas = compile(world, "2026-12-25", NULL),
                               boxing = compile(world, "2026-12-26", NULL);
        assert_true(
                g_str_has_prefix(at(christmas, "2026-12-26T05:30:00Z")->entry, "dates.2026-12-25..2026-12-27@20:00"));
        assert_true(g_str_has_prefix(at(boxing, "2026-12-27T01:30:00Z")->entry, "dates.2026-12-25..2026-12-27@20:00"));
        assert_string_equal(at(boxing, "2026-12-27T05:30:00Z")->entry, "all_day@20:00"); /* Saturday's ended at 23:00 */
        refused(world,
                HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", end: \"20:00\", pool: a}}],\n"
                           "  monday: [{block: {start: \"07:00\", end: \"08:00\"}}]}\n",
                "schedule.monday[0] needs either \"pool\" or \"pools\"");
}

static void INV_LANGUAGE_INHERIT_001_dates_inherit_from_dates_around_them(void **state) {
        World *world = *state;
        ready(world,
              HEAD POOLS "schedule:\n"
                         "  all_day:\n    - block: {start: \"12:00\", end: \"14:00\", pool: a}\n"
                         "  seasons:\n"
                         "    winter: {dates: 12-01..02-28, entries: [{block: {start: \"12:00\", pool: b}}]}\n"
                         "    advent: {dates: 12-01..12-24, entries: [{block: {start: \"12:00\", end: \"13:00\"}}]}\n"
                         "    half: {dates: 12-20..12-31, entries: [{block: {start: \"12:00\", end: \"13:30\"}}]}\n"
                         "  dates:\n"
                         "    2026-12-24: [{block: {start: \"12:00\", title: Eve}}]\n"
                         "    2026-12-30..2027-01-02: [{block: {start: \"12:00\", title: Turn}}]\n");
        g_autoptr(ScheduleDay) advent = compile(world, "2026-12-03", NULL), eve = compile(world, "2026-12-24", NULL);
        g_autoptr(ScheduleDay) turn = compile(world, "2026-12-31", NULL), half = compile(world, "2026-12-28", NULL);
        assert_string_equal(at(advent, "2026-12-03T17:30:00Z")->series, "B"); /* the pool of winter */
        assert_string_not_equal(at(advent, "2026-12-03T18:00:00Z")->entry, "seasons.advent@12:00");
        assert_string_equal(at(half, "2026-12-28T18:00:00Z")->series, "B"); /* of winter; advent is not there then */
        assert_string_equal(at(eve, "2026-12-24T17:00:00Z")->series, "B");
        assert_string_equal(at(eve, "2026-12-24T17:00:00Z")->entry, "dates.2026-12-24@12:00");
        assert_string_equal(at(eve, "2026-12-24T18:00:00Z")->entry, "dates.2026-12-24@12:00"); /* half: until 13:30 */
        assert_string_equal(at(turn, "2026-12-31T18:30:00Z")->entry, "dates.2026-12-30..2027-01-02@12:00");
}

static void an_entry_without_an_end_runs_until_the_next(void **state) {
        World *world = *state;
        ready(world, HEAD POOLS "schedule:\n  all_day:\n"
                                "    - block: {start: \"06:00\", pool: a}\n"
                                "    - {start: \"12:00\", pool: b, mode: shuffle}\n"
                                "    - start: \"20:00\"\n      movie_selector: {pool: films}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        assert_string_equal(at(day, "2026-06-01T15:30:00Z")->entry, "all_day@06:00");
        assert_string_equal(at(day, "2026-06-01T16:00:00Z")->entry, "all_day@12:00");
        assert_string_equal(at(day, "2026-06-01T23:30:00Z")->entry, "all_day@12:00");
        assert_int_equal(at(day, "2026-06-02T00:00:00Z")->kind, ASSET_MOVIE);
        assert_int_equal(at(day, "2026-06-02T02:00:00Z")->kind, ASSET_FILLER); /* one film only */
}

/* --- templates ---------------------------------------------------------------------------------------------------- */

static void INV_LANGUAGE_TEMPLATES_001_use_puts_the_template_in(void **state) {
        World *world = *state;
        ready(world, HEAD POOLS "templates:\n"
                                "  evening:\n"
                                "    - block: {start: \"18:00\", end: \"20:00\", pool: b}\n"
                                "    - movie_block: {start: \"20:00\", movie_selector: {pool: films}}\n"
                                "  lunch:\n    block: {start: \"12:00\", duration: 1h, pool: c}\n"
                                "schedule:\n"
                                "  all_day: [{block: {start: \"06:00\", pool: a}}]\n"
                                "  monday: {use: evening}\n"
                                "  tuesday: [{use: lunch}, {use: lunch, start: \"14:00\", pool: b}]\n");
        g_autoptr(ScheduleDay) monday = compile(world, "2026-06-01", NULL),
                               tuesday = compile(world, "2026-06-02", NULL);
        assert_string_equal(at(monday, "2026-06-01T22:00:00Z")->entry, "monday@18:00");
        assert_string_equal(at(monday, "2026-06-02T00:00:00Z")->entry, "monday@20:00");
        assert_string_equal(at(tuesday, "2026-06-02T16:00:00Z")->pool, "c");
        assert_string_equal(at(tuesday, "2026-06-02T18:00:00Z")->entry, "tuesday@14:00");
        assert_string_equal(at(tuesday, "2026-06-02T18:00:00Z")->pool, "b");
}

/* Each template uses the one before it twenty times: 8,000 entries of 60 lines. */
static void INV_LANGUAGE_TEMPLATES_001_what_templates_grow_to_is_bounded(void **state) {
        World *world = *state;
        g_autoptr(GString) yaml = g_string_new(HEAD POOLS "templates:\n  t0:\n"
                                                          "    - block: {start: \"06:00\", duration: 30m, pool: a}\n");
        for (int level = 1; level <= 3; level++) {
                g_string_append_printf(yaml, "  t%d:\n", level);
                for (int i = 0; i < 20; i++)
                        g_string_append_printf(yaml, "    - use: t%d\n", level - 1);
        }
        g_string_append(yaml, "schedule: {all_day: [{use: t3}]}\n");
        refused(world, yaml->str, "more than 5000 entries");
}

static void INV_LANGUAGE_TEMPLATES_001_faults_of_templates(void **state) {
        World *world = *state;
#define LUNCH "templates: {lunch: {block: {start: \"12:00\", duration: 1h, pool: a}}}\n"
        refused(world, HEAD POOLS LUNCH "schedule: {all_day: [{use: lonch}]}\n",
                "no template \"lonch\" (used in schedule.all_day[0]): did you mean \"lunch\"?");
        refused(world, HEAD POOLS "schedule: {all_day: [{use: lunch}]}\n", "define it under \"templates\"");
        refused(world, HEAD POOLS "templates: {a: {use: b}, b: {use: a}}\nschedule: {all_day: {use: a}}\n",
                "use each other in a circle");
        refused(world,
                HEAD POOLS "templates: {a: [{use: a}, {use: a}, {use: a}, {use: a}]}\nschedule: {all_day: {use: a}}\n",
                "templates");
        refused(world,
                HEAD POOLS "templates: {a: {blok: {}}}\nschedule: {all_day: {block: {start: \"06:00\", pool: a}}}\n",
                "unknown key \"blok\" in templates.a: did you mean \"block\"?");
        refused(world, HEAD POOLS "templates: {a: []}\nschedule: {all_day: {use: a}}\n", "templates.a is empty");
        refused(world,
                HEAD POOLS "templates: {e: [{block: {start: \"06:00\", pool: a}}]}\n"
                           "schedule: {all_day: {use: e, start: \"07:00\"}}\n",
                "is a list of entries");
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

static void slots_play_one_programme_each(void **state) {
        World *world = *state;
        ready(world, HEAD POOLS "schedule:\n  all_day:\n"
                                "    - start: \"20:00\"\n      slots:\n"
                                "        - {title: First, episode_selector: {pool: a, mode: sequential}}\n"
                                "        - {title: Second, episode_selector: {pool: b, mode: random}}\n"
                                "        - {title: Third, program: \"C 1x03\"}\n"
                                "        - {title: Taken by the third, episode_selector: {pool: a}}\n"
                                "        - {title: Last, episode_selector: {pool: a}}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        assert_string_equal(at(day, "2026-06-02T00:00:00Z")->subtitle, "A 1x01");
        assert_string_equal(at(day, "2026-06-02T00:30:00Z")->title, "B");
        assert_string_equal(at(day, "2026-06-02T01:00:00Z")->subtitle, "C 1x03"); /* an hour: it takes the next slot */
        assert_string_equal(at(day, "2026-06-02T01:30:00Z")->subtitle, "C 1x03");
        assert_string_equal(at(day, "2026-06-02T02:00:00Z")->subtitle, "A 1x02");
        assert_string_equal(at(day, "2026-06-02T02:00:00Z")->entry, "all_day@22:00");
        assert_int_equal(at(day, "2026-06-02T02:30:00Z")->kind, ASSET_FILLER);
        refused(world, HEAD POOLS "schedule: {all_day: [{start: \"20:00\", slots: []}]}\n", "has no slots");
        refused(world, HEAD POOLS "schedule: {all_day: [{start: \"20:00\", slots: [{title: x}]}]}\n",
                "schedule.all_day[0].slots[0] needs an \"episode_selector\"");
        refused(world, HEAD POOLS "schedule: {all_day: [{start: \"05:30\", slots: [{program: x}, {program: y}]}]}\n",
                "slots[1] lies beyond the end of the broadcast day");
        refused(world, HEAD POOLS "schedule: {all_day: [{start: \"20:00\", slots: [{episode_selector: {pol: a}}]}]}\n",
                "did you mean \"pool\"?");
}

/* --- modes -------------------------------------------------------------------------------------------------------- */

static void weights_decide_how_often_a_pool_has_its_turn(void **state) {
        World *world = *state;
        unsigned of_b = 0, n = 0;
        ready(world,
              HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", pools: {a: 1, b: 5}, mode: weighted}}]}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        for (int i = 0; i < 20; i++) {
                const ScheduleFrom from = {.carry_in_utc_ms = day->end_utc_ms, .state = day->state_after};
                char next_day[11];
                int last_of_b = -1;
                for (guint j = 0; j < day->programmes->len; j++) {
                        const Programme *programme = day->programmes->pdata[j];
                        const int number = (programme->season - 1) * 10 + programme->episode - 1;
                        const bool b = strcmp(programme->pool, "b") == 0;
                        assert_true(!b || last_of_b < 0 || number == (last_of_b + 1) % 12); /* in order */
                        last_of_b = b ? number : last_of_b;
                        of_b += b;
                        n++;
                }
                schedule_day_step(day->day, 1, next_day);
                ScheduleDay *next = compile(world, next_day, &from);
                schedule_day_free(day);
                day = next;
        }
        assert_in_range(of_b * 100 / n, 78, 89); /* 5 of 6 are 83 % */
        refused(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", pool: a, mode: weighted}}]}\n",
                "mode weighted needs weights");
        refused(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", pools: [a, b], weights: [1]}}]}\n",
                "there are 2 pools and 1 weights");
        refused(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", pools: {a: 1}, mode: shuffle}}]}\n",
                "weights go with mode weighted only");
}

static void random_no_repeat_shows_all_before_one_comes_again(void **state) {
        World *world = *state;
        g_autoptr(GHashTable) round = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autofree char *last = NULL;
        ready(world,
              HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", pool: c, mode: random_no_repeat}}]}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        for (int i = 0; i < 5; i++) { /* 24 hours a day, 12 episodes: rounds of twelve */
                char next_day[11];
                for (guint j = 0; j < day->programmes->len; j++) {
                        const Programme *programme = day->programmes->pdata[j];
                        assert_string_not_equal(programme->asset_id, last ? last : "");
                        if (g_hash_table_size(round) == 12)
                                g_hash_table_remove_all(round);
                        /* The new round counts the last one of the old as shown. */
                        if (g_hash_table_size(round) == 0 && last)
                                g_hash_table_add(round, g_strdup(last));
                        assert_true(g_hash_table_add(round, g_strdup(programme->asset_id)));
                        g_free(last);
                        last = g_strdup(programme->asset_id);
                }
                const ScheduleFrom from = {.carry_in_utc_ms = day->end_utc_ms, .state = day->state_after};
                schedule_day_step(day->day, 1, next_day);
                ScheduleDay *next = compile(world, next_day, &from);
                schedule_day_free(day);
                day = next;
        }
}

/* --- pools -------------------------------------------------------------------------------------------------------- */

static unsigned pool_size(World *world, const char *match) {
        g_autofree char *text = g_strdup_printf(HEAD "pools: {x: {%s}}\n"
                                                     "schedule: {all_day: [{start: \"06:00\", pool: x}]}\n",
                                                match);
        ready(world, text);
        g_autoptr(GPtrArray) assets = channel_spec_pool(world->spec, "x", world->catalog);
        return assets->len;
}

static void pools_match_all_that_a_library_knows(void **state) {
        World *world = *state;
        Asset *film = fixture_asset(&world->fixture, ASSET_MOVIE, "Known", 95 * MINUTE);
        g_free(film->source);
        film->source = g_strdup("plex");
        film->library = g_strdup("Old Films");
        film->studio = g_strdup("Ealing");
        film->year = 1955;
        film->added_utc_ms = fixture_utc("2026-06-01T00:00:00Z");
        g_strfreev(film->collections);
        film->collections = g_strsplit("Comedies,Best of", ",", -1);
        g_strfreev(film->tags);
        film->tags = g_strsplit("black and white", ",", -1);
        assert_int_equal(pool_size(world, "match: {source: plex}"), 1);
        assert_int_equal(pool_size(world, "match: {source: [old films, x]}"), 1);
        assert_int_equal(pool_size(world, "match: {studio: ealing, collection: [comedies]}"), 1);
        assert_int_equal(pool_size(world, "match: {studio: ealing, collection: [others]}"), 0);
        assert_int_equal(pool_size(world, "match: {tags: Black And White, decade: 1950s}"), 1);
        assert_int_equal(pool_size(world, "match: {title: known}"), 1);
        assert_int_equal(pool_size(world, "match: {type: movie, added_within: 30d}"), 1);
        assert_int_equal(pool_size(world, "match: {type: movie}"), 13);
        assert_int_equal(pool_size(world, "match: {type: movie}, min_duration_sec: 5400"), 3);
        refused(world, HEAD "pools: {x: {match: {added_within: soon}}}\n", "expected a duration");
        /* Counted back from the day that is planned. */
        ready(world, HEAD "pools: {x: {match: {type: movie, added_within: 30d}}}\n"
                          "schedule: {all_day: [{start: \"06:00\", pool: x}]}\n");
        const ScheduleFrom lenient = {.allow_empty = true};
        g_autoptr(ScheduleDay) june = compile(world, "2026-06-20", &lenient);
        g_autoptr(ScheduleDay) august = compile(world, "2026-08-20", &lenient);
        assert_string_equal(at(june, "2026-06-20T12:00:00Z")->title, "Known");
        assert_int_equal(at(august, "2026-08-20T12:00:00Z")->kind, ASSET_FILLER);
        /* A collection needs no pool of its own. */
        ready(world, HEAD "schedule: {all_day: [{start: \"20:00\", movie_selector: {collections: [best of]}}]}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-20", NULL);
        assert_string_equal(at(day, "2026-06-21T00:00:00Z")->title, "Known");
}

static void order_is_by_date_of_airing_of_arrival_or_of_chance(void **state) {
        World *world = *state;
        g_autoptr(GHashTable) firsts = g_hash_table_new(g_str_hash, g_str_equal);
        for (int i = 0; i < 5; i++) {
                Asset *asset = fixture_episode(&world->fixture, "D", 1, 1 + i, 22 * MINUTE);
                asset->air_date = i == 4 ? NULL : g_strdup_printf("199%d-01-01", 9 - i);
                asset->added_utc_ms = 1000 + (i == 2 ? 100 : i);
        }
        static const struct {
                const char *order;
                const char *first, *last;
        } cases[] = {{"default", "D 1x01", "D 1x05"}, {"air_date", "D 1x04", "D 1x05"}, {"newest", "D 1x03", "D 1x01"}};
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *pool = g_strdup_printf("match: {series_title: D}, order: %s", cases[i].order);
                assert_int_equal(pool_size(world, pool), 5);
                g_autoptr(GPtrArray) assets = channel_spec_pool(world->spec, "x", world->catalog);
                assert_string_equal(((const Asset *)assets->pdata[0])->title, cases[i].first);
                assert_string_equal(((const Asset *)assets->pdata[4])->title, cases[i].last);
        }
        assert_int_equal(pool_size(world, "match: {type: episode}, order: random"), 41);
        g_autoptr(GPtrArray) one = channel_spec_pool(world->spec, "x", world->catalog);
        g_autoptr(GPtrArray) two = channel_spec_pool(world->spec, "x", world->catalog);
        for (guint i = 0; i < one->len; i++) {
                assert_ptr_equal(one->pdata[i], two->pdata[i]);
                g_hash_table_add(firsts, ((Asset *)one->pdata[i])->series);
                if (i == 6)
                        assert_true(g_hash_table_size(firsts) > 1); /* not by series */
        }
}

/* --- virtual assets ----------------------------------------------------------------------------------------------- */

#define VIRTUAL                                                                                                        \
        HEAD POOLS "virtual_assets:\n"                                                                                 \
                   "  two: {compose: pair, from: {pool: a}}\n"                                                         \
                   "  trio: {compose: block, title: Trio, segments: [{pool: a}, b, {pool: c}]}\n"                      \
                   "  saga: {compose: sequence, assets: [Film 3, film 1]}\n"                                           \
                   "  hole: {compose: sequence, assets: [Film 3, No such film]}\n"

static void INV_LANGUAGE_VIRTUAL_001_units_are_planned_as_one(void **state) {
        World *world = *state;
        ready(world, VIRTUAL "schedule:\n  all_day:\n"
                             "    - block: {start: \"06:00\", end: \"12:00\", pool: two}\n"
                             "    - block: {start: \"12:00\", end: \"20:00\", pool: trio}\n"
                             "    - block: {start: \"20:00\", end: \"06:00\", pool: saga}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        const ScheduleFrom from = {.carry_in_utc_ms = day->end_utc_ms, .state = day->state_after};
        g_autoptr(ScheduleDay) next = compile(world, "2026-06-02", &from);
        const Programme *pair = at(day, "2026-06-01T10:00:00Z"), *trio = at(day, "2026-06-01T16:00:00Z");
        const Programme *saga = at(day, "2026-06-02T00:00:00Z");
        assert_string_equal(pair->title, "A");
        assert_string_equal(pair->subtitle, "A 1x01 / A 1x02");
        assert_int_equal(pair->content_ms, 44 * MINUTE);
        assert_int_equal(pair->end_utc_ms - pair->start_utc_ms, HOUR);
        assert_int_equal(g_strv_length(pair->part_ids), 2);
        assert_string_equal(at(day, "2026-06-01T11:00:00Z")->subtitle, "A 1x03 / A 1x04");
        assert_string_equal(at(next, "2026-06-02T12:00:00Z")->subtitle, "A 1x01 / A 1x02"); /* six pairs: through */
        assert_string_equal(trio->title, "Trio");
        assert_int_equal(trio->content_ms, 94 * MINUTE);
        assert_string_equal(saga->title, "saga");
        assert_int_equal(saga->content_ms, (83 + 81) * MINUTE);
        assert_string_not_equal(trio->asset_id, saga->asset_id);
        /* As a document, and as one asset with its joints. */
        json_t *document = schedule_day_json(day);
        g_autoptr(ScheduleDay) again = schedule_day_from_json(document, NULL, NULL, NULL);
        json_decref(document);
        assert_string_equal(again->sha256, day->sha256);
        assert_int_equal(g_strv_length(at(again, "2026-06-01T16:00:00Z")->part_ids), 3);
        g_autoptr(GPtrArray) parts = programme_parts(trio, world->catalog);
        Asset *composed = programme_composed(trio, parts);
        assert_int_equal(composed->duration_ms, trio->content_ms);
        assert_int_equal(composed->n_chapters, 2);
        assert_int_equal(composed->chapter_ms[0], 22 * MINUTE);
        assert_int_equal(composed->chapter_ms[1], 44 * MINUTE);
        asset_free(composed);
        ((Asset *)parts->pdata[1])->state = ASSET_MISSING;
        assert_null(programme_parts(trio, world->catalog));
}

static void INV_LANGUAGE_VIRTUAL_001_faults_of_virtual_assets(void **state) {
        World *world = *state;
        g_autofree char *faults = NULL;
#define DAY "schedule: {all_day: [{start: \"06:00\", pool: a}]}\n"
        refused(world, HEAD POOLS "virtual_assets: {v: {from: a}}\n" DAY, "needs \"compose\": pair, block or sequence");
        refused(world, HEAD POOLS "virtual_assets: {v: {compose: pairs, from: a}}\n" DAY, "did you mean \"pair\"?");
        refused(world, HEAD POOLS "virtual_assets: {v: {compose: pair}}\n" DAY, "virtual_assets.v needs \"from\"");
        refused(world, HEAD POOLS "virtual_assets: {v: {compose: pair, from: x}}\n" DAY,
                "no pool \"x\" (used in virtual_assets.v)");
        refused(world,
                HEAD POOLS "virtual_assets: {v: {compose: pair, from: a}, w: {compose: block, segments: [v]}}\n" DAY,
                "virtual_assets.w cannot be made of \"v\", which is a virtual asset itself");
        refused(world, HEAD POOLS "virtual_assets: {a: {compose: pair, from: b}}\n" DAY, "is the name of a pool, too");
        refused(world, HEAD POOLS "virtual_assets: {v: {compose: block, segments: []}}\n" DAY,
                "has from 1 to 20 parts");
        refused(world, HEAD POOLS "virtual_assets: {v: {compose: block, pool: a}}\n" DAY, "unknown key \"pool\"");
        refused(world, HEAD POOLS "virtual_assets: {v: {compose: pair, from: a}}\nfiller: {pool: v}\n" DAY,
                "filler cannot be the virtual asset \"v\"");
        ready(world, HEAD POOLS DAY);
        g_autoptr(ChannelSpec) hole =
                fixture_try_spec(&world->fixture, VIRTUAL "schedule: {all_day: [{start: \"06:00\", pool: hole}]}\n",
                                 world->catalog, &faults);
        assert_null(hole);
        assert_non_null(strstr(faults, "no asset has the id or title \"No such film\" (used in hole)"));
}

/* --- names ----------------------------------------------------------------------------------------------------------
 */

#define NAMED(what) HEAD POOLS "schedule: {all_day: [{start: \"06:00\", slots: [{program: " what ", duration: 3h}]}]}\n"

/* What is wrong with the file, given the catalog. */
static char *faults_of(World *world, const char *text) {
        char *faults = NULL;
        if (!world->catalog)
                world->catalog = fixture_catalog(&world->fixture);
        g_autoptr(ChannelSpec) spec = fixture_try_spec(&world->fixture, text, world->catalog, &faults);
        assert_int_equal(spec == NULL, strstr(faults, "error") != NULL || *faults != '\0');
        return faults;
}

static void tell(const char *faults, const char *expected, unsigned times) {
        g_auto(GStrv) parts = g_strsplit(faults, expected, -1);
        if (g_strv_length(parts) != times + 1)
                fail_msg("expected \"%s\" %u times in:\n%s", expected, times, faults);
}

static void INV_LANGUAGE_NAMED_001_a_title_means_programmes(void **state) {
        World *world = *state;
        fixture_asset(&world->fixture, ASSET_PROMO, "Saga 30", MINUTE);
        fixture_asset(&world->fixture, ASSET_PROMO, "Jingle", MINUTE);
        Asset *film = fixture_asset(&world->fixture, ASSET_MOVIE, "Saga 30", 100 * MINUTE);
        film->year = 1973;
        fixture_asset(&world->fixture, ASSET_MOVIE, "Twin", 90 * MINUTE)->year = 1950;
        fixture_asset(&world->fixture, ASSET_MOVIE, "Twin", 95 * MINUTE)->year = 1999;
        fixture_asset(&world->fixture, ASSET_MOVIE, "Lost", 95 * MINUTE)->state = ASSET_MISSING;
        fixture_asset(&world->fixture, ASSET_PROMO, "Lost", MINUTE);
        g_autofree char *none = faults_of(world, NAMED("Saga 31")), *twin = faults_of(world, NAMED("twin"));
        g_autofree char *lost = faults_of(world, NAMED("Lost")), *jingle = faults_of(world, NAMED("Jingle"));
        g_autofree char *far = faults_of(world, NAMED("Nonexistent Thing"));
        tell(none, "no asset has the id or title \"Saga 31\" (used in all_day@06:00): did you mean \"Saga 30\"?", 1);
        tell(far, ":8:", 1);
        tell(far, "no asset has the id or title \"Nonexistent Thing\"", 1);
        tell(twin, "2 programmes are called \"twin\" (used in all_day@06:00): give the id of one: ", 1);
        tell(twin, "(1950)", 1);
        tell(twin, "(1999)", 1);
        tell(lost, "\"Lost\" (used in all_day@06:00) cannot be played: 1 matches and none may be planned: 1 missing",
             1);
        assert_string_equal(jingle, "");
        ready(world, NAMED("saga 30"));
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        assert_int_equal(((const Programme *)day->programmes->pdata[0])->kind, ASSET_MOVIE);
        ready(world, HEAD POOLS "virtual_assets: {v: {compose: sequence, assets: [Saga 30]}}\n"
                                "schedule: {all_day: [{start: \"06:00\", pool: v}]}\n");
        g_autoptr(ScheduleDay) sequence = compile(world, "2026-06-01", NULL);
        assert_string_equal(((const Programme *)sequence->programmes->pdata[0])->part_ids[0], film->id);
}

static void INV_SCHEDULE_FAULTS_001_missing_parts_of_a_sequence_have_their_place(void **state) {
        World *world = *state;
        g_autofree char *faults =
                faults_of(world, HEAD POOLS "virtual_assets: {v: {compose: sequence, assets: [Film 3,\n"
                                            "  Not There]}}\n"
                                            "schedule: {all_day: [{start: \"06:00\", pool: v}]}\n");
        tell(faults, ":9:3: no asset has the id or title \"Not There\" (used in v)", 1);
        tell(faults, "is empty", 0);
        g_autofree char *later =
                faults_of(world, HEAD POOLS "virtual_assets: {v: {compose: pair, from: {pool: w}},\n"
                                            " w: {compose: pair, from: {pool: films}}}\n"
                                            "schedule: {all_day: [{start: \"06:00\", pool: films}]}\n");
        tell(later, "cannot be made of \"w\", which is a virtual asset itself", 1);
        tell(later, "no pool", 0);
}

static void INV_SCHEDULE_FAULTS_001_all_faults_are_told_in_one_run(void **state) {
        World *world = *state;
        Asset *retired = fixture_episode(&world->fixture, "Gone", 1, 1, 20 * MINUTE);
        retired->state = ASSET_RETIRED;
        g_autofree char *faults =
                faults_of(world, HEAD POOLS "  nobody: {match: {series_title: Nobody}}\n"
                                            "  gone: {match: {series_title: Gone}}\n"
                                            "colour: red\n"
                                            "schedule:\n"
                                            "  all_day:\n"
                                            "    - {start: \"06:00\", end: \"10:00\", pool: nobody, colour: red}\n"
                                            "    - {start: \"09:00\", end: \"12:00\", pool: films}\n"
                                            "    - {start: \"12:00\", pool: gone}\n"
                                            "    - {start: \"14:00\", pool: nowhere}\n"
                                            "    - {start: \"16:00\", slots: [{program: Nonexistent, colour: x}]}\n"
                                            "    - {start: \"18:00\", pool: nobody}\n");
        tell(faults, "unknown key \"colour\"", 3);
        tell(faults, "meet", 1);
        tell(faults, "pool \"nobody\" (used in all_day@06:00) is empty: nothing in the catalog matches it", 1);
        tell(faults, "pool \"nobody\"", 1);
        tell(faults,
             "pool \"gone\" (used in all_day@12:00) is empty: of the catalog 1 matches and none may be planned: "
             "1 retired",
             1);
        tell(faults, "no asset has the id or title \"Nonexistent\"", 1);
        tell(faults, "no pool \"nowhere\"", 1);
        tell(faults, "\n", 8);
}

static void INV_SCHEDULE_FAULTS_001_a_fault_of_a_template_or_an_include_is_told_once(void **state) {
        World *world = *state;
        g_autofree char *faults = faults_of(
                world, HEAD POOLS "templates: {t: {start: \"06:00\", slots: [{episode_selector: {pool: gone}}]}}\n"
                                  "schedule: {all_day: [{start: \"12:00\", use: t}, {use: t}], monday: {use: t}}\n");
        tell(faults, "gone", 1);
        g_autofree char *include = faults_of(world, HEAD "pools: !include nowhere.yaml\n"
                                                         "schedule: {all_day: [{start: \"12:00\", pool: films}]}\n");
        tell(include, "cannot include nowhere.yaml", 1);
        tell(include, "\n", 1);
        g_autofree char *circle =
                faults_of(world, HEAD POOLS "imports: channel.yaml\n"
                                            "schedule: {all_day: [{start: \"12:00\", pool: films}]}\n");
        tell(circle, "channel.yaml is imported by itself: imports go in a circle", 1);
        tell(circle, "\n", 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, world_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_LANGUAGE_NAMED_001_a_title_means_programmes),
                T(INV_SCHEDULE_FAULTS_001_missing_parts_of_a_sequence_have_their_place),
                T(INV_SCHEDULE_FAULTS_001_all_faults_are_told_in_one_run),
                T(INV_SCHEDULE_FAULTS_001_a_fault_of_a_template_or_an_include_is_told_once),
                T(INV_LANGUAGE_LAYERS_001_the_most_specific_lies_on_top),
                T(INV_LANGUAGE_LAYERS_001_dates_are_days_and_may_run_over_the_year),
                T(INV_LANGUAGE_INHERIT_001_a_zone_changes_single_fields),
                T(INV_LANGUAGE_INHERIT_001_dates_inherit_from_dates_around_them),
                T(an_entry_without_an_end_runs_until_the_next),
                T(INV_LANGUAGE_TEMPLATES_001_use_puts_the_template_in),
                T(INV_LANGUAGE_TEMPLATES_001_faults_of_templates),
                T(INV_LANGUAGE_TEMPLATES_001_what_templates_grow_to_is_bounded),
                T(slots_play_one_programme_each),
                T(weights_decide_how_often_a_pool_has_its_turn),
                T(pools_match_all_that_a_library_knows),
                T(order_is_by_date_of_airing_of_arrival_or_of_chance),
                T(INV_LANGUAGE_VIRTUAL_001_units_are_planned_as_one),
                T(INV_LANGUAGE_VIRTUAL_001_faults_of_virtual_assets),
                T(random_no_repeat_shows_all_before_one_comes_again),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
