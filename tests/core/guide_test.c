#include "core/serve/guide/guide.h"

#include <string.h>

#include "tests/core/serve_fixture.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"

#define BASE "http://tv.example:8080"
#define DOMAIN "retrovue.local"

typedef struct {
        PlanBoard *board;
        RvClock *clock;
        Guide *guide;
} World;

static int setup(void **state) {
        World *world = g_new0(World, 1);
        world->board = plan_board_new();
        world->clock = rv_clock_fake_new(SERVE_NOON);
        world->guide = guide_new(world->board, world->clock, DOMAIN);
        *state = world;
        return 0;
}

static int teardown(void **state) {
        World *world = *state;
        guide_free(world->guide);
        rv_clock_fake_free(world->clock);
        plan_board_unref(world->board);
        g_free(world);
        return 0;
}

/* g_free it. */
static char *text_of(const GuideDocument *document) {
        size_t size;
        assert_non_null(document->body);
        const char *text = g_bytes_get_data(document->body, &size);
        return g_strndup(text, size);
}

static char *xmltv(World *world) {
        g_auto(GuideDocument) document = guide_xmltv(world->guide, BASE);
        return text_of(&document);
}

static char *m3u(World *world, GuideStream stream) {
        g_auto(GuideDocument) document = guide_m3u(world->guide, BASE, stream);
        return text_of(&document);
}

static unsigned count(const char *text, const char *what) {
        unsigned n = 0;
        for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
                n++;
        return n;
}

static int64_t integer(const json_t *object, const char *key) {
        const json_t *value = json_object_get(object, key);
        assert_true(json_is_integer(value));
        return json_integer_value(value);
}

static const char *string(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

/* Programmes of the only channel asked for; borrowed of guide. */
static json_t *programmes(const json_t *guide) {
        return json_object_get(json_array_get(json_object_get(guide, "channels"), 0), "programmes");
}

static void publish_evening(World *world) {
        PlanView *view = view_new("retro", 5, "Retro Prime");
        Programme *episode = view_add(view, "Cheers", "a-1", 30);
        episode->subtitle = g_strdup("Give Me a Ring Sometime");
        episode->description = g_strdup("Sam <meets> Diane & \"others\".");
        episode->series = g_strdup("Cheers");
        episode->season = 1;
        episode->episode = 2;
        episode->year = 1982;
        episode->rating = g_strdup("TV-PG");
        g_strfreev(episode->genres);
        episode->genres = g_strsplit("Comedy,Sitcom", ",", 0);
        Programme *film = view_add(view, "The Thing", "a-2", 120);
        film->kind = ASSET_MOVIE;
        film->year = 1982;
        film->rating = g_strdup("R");
        plan_board_publish(world->board, view);
}

/* --- entries ----------------------------------------------------------------------------------------------------- */

static void INV_EPG_FILLER_INVISIBLE_001_filler_belongs_to_the_programme_before_it(void **state) {
        World *world = *state;
        PlanView *view = view_new("retro", 5, "Retro");
        view_add(view, "Cheers", "a-1", 30);
        view_add(view, "Retro", NULL, 30);
        view_add(view, "Retro", NULL, 30);
        view_add(view, "Frasier", "a-2", 30);
        plan_board_publish(world->board, view);
        g_autofree char *text = xmltv(world);
        assert_int_equal(count(text, "<programme "), 2);
        assert_non_null(strstr(text, "start=\"20261121120000 +0000\" stop=\"20261121133000 +0000\""));
        /* In the middle of the filler the programme before it is still on. */
        rv_clock_fake_advance_ms(world->clock, 70 * SERVE_MINUTE);
        g_autoptr(PlanView) published = plan_board_view(world->board, "retro");
        json_t *channel = guide_channel_json(world->guide, published);
        assert_string_equal(string(json_object_get(channel, "now"), "title"), "Cheers");
        assert_string_equal(string(json_object_get(channel, "next"), "title"), "Frasier");
        json_decref(channel);
}

static void INV_EPG_FILLER_INVISIBLE_001_a_long_stretch_is_an_entry_of_its_own(void **state) {
        World *world = *state;
        PlanView *view = view_new("retro", 5, "Retro");
        view_add(view, "Cheers", "a-1", 30);
        for (int i = 0; i < 6; i++)
                view_add(view, "Retro", NULL, 60);
        view_add(view, "Frasier", "a-2", 30);
        plan_board_publish(world->board, view);
        json_t *guide =
                guide_json(world->guide, "retro", SERVE_NOON + 120 * SERVE_MINUTE, SERVE_NOON + 125 * SERVE_MINUTE);
        assert_int_equal(json_array_size(programmes(guide)), 1); /* whole, though asked for in its middle */
        json_t *filler = json_array_get(programmes(guide), 0);
        assert_int_equal(integer(filler, "start_utc_ms"), SERVE_NOON + 30 * SERVE_MINUTE);
        assert_int_equal(integer(filler, "end_utc_ms"), SERVE_NOON + 390 * SERVE_MINUTE);
        json_decref(guide);
}

static void a_programme_of_several_assets_has_its_parts(void **state) {
        World *world = *state;
        PlanView *view = view_new("retro", 5, "Retro");
        Programme *pair = view_add(view, "Cheers", "u-1", 60);
        pair->part_ids = g_strsplit("a-1,a-2", ",", -1);
        view_add(view, "Frasier", "a-3", 30);
        plan_board_publish(world->board, view);
        json_t *guide = guide_json(world->guide, "retro", SERVE_NOON, SERVE_NOON + 90 * SERVE_MINUTE);
        const json_t *parts = json_object_get(json_array_get(programmes(guide), 0), "parts");
        assert_int_equal(json_array_size(parts), 2);
        assert_string_equal(json_string_value(json_array_get(parts, 1)), "a-2");
        assert_null(json_object_get(json_array_get(programmes(guide), 1), "parts"));
        json_decref(guide);
}

/* Any plan without holes is a guide without holes, entries begin and end where programmes do, whatever is asked for. */
static void INV_EPG_NO_GAP_001_entries_touch(void **state) {
        World *world = *state;
        GRand *rand = chance_new();
        for (int round = 0; round < 40; round++) {
                PlanView *view = view_new("retro", 5, "Retro");
                int total = 0;
                for (int i = 0; i < 40; i++) {
                        int minutes = 5 * g_rand_int_range(rand, 1, 12);
                        bool filler = g_rand_int_range(rand, 0, 3) == 0;
                        view_add(view, filler ? "Retro" : "Programme", filler ? NULL : "a", minutes);
                        total += minutes;
                }
                plan_board_publish(world->board, view);
                int64_t from = SERVE_NOON + g_rand_int_range(rand, 0, total - 1) * SERVE_MINUTE;
                int64_t to = from + g_rand_int_range(rand, 1, 600) * SERVE_MINUTE;
                json_t *guide = guide_json(world->guide, "retro", from, to), *entry;
                int64_t end = integer(json_array_get(programmes(guide), 0), "start_utc_ms");
                assert_true(end <= from);
                size_t i;
                json_array_foreach(programmes(guide), i, entry) {
                        assert_int_equal(integer(entry, "start_utc_ms"), end);
                        end = integer(entry, "end_utc_ms");
                }
                assert_true(end >= MIN(to, SERVE_NOON + total * SERVE_MINUTE));
                json_decref(guide);
        }
        g_rand_free(rand);
}

/* --- XMLTV ------------------------------------------------------------------------------------------------------- */

static void xmltv_says_all_that_is_known(void **state) {
        World *world = *state;
        publish_evening(world);
        g_autofree char *text = xmltv(world);
        assert_string_equal(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE tv\nSYSTEM \"xmltv.dtd\">\n"
                                  "<tv generator-info-name=\"RetroVue\">\n"
                                  " <channel id=\"C5.53.retrovue.local\">\n"
                                  "  <display-name>5 Retro Prime</display-name>\n"
                                  "  <display-name>5</display-name>\n"
                                  "  <display-name>Retro Prime</display-name>\n"
                                  "  <icon src=\"" BASE "/logo/retro.png\"/>\n"
                                  " </channel>\n"
                                  " <programme start=\"20261121120000 +0000\" stop=\"20261121123000 +0000\""
                                  " channel=\"C5.53.retrovue.local\">\n"
                                  "  <title>Cheers</title>\n"
                                  "  <sub-title>Give Me a Ring Sometime</sub-title>\n"
                                  "  <desc>Sam &lt;meets&gt; Diane &amp; &quot;others&quot;.</desc>\n"
                                  "  <date>1982</date>\n"
                                  "  <category>Series</category>\n"
                                  "  <category>Comedy</category>\n"
                                  "  <category>Sitcom</category>\n"
                                  "  <episode-num system=\"onscreen\">S01E02</episode-num>\n"
                                  "  <episode-num system=\"xmltv_ns\">0.1.0/1</episode-num>\n"
                                  "  <previously-shown/>\n"
                                  "  <rating system=\"VCHIP\">\n   <value>TV-PG</value>\n  </rating>\n"
                                  " </programme>\n"
                                  " <programme start=\"20261121123000 +0000\" stop=\"20261121143000 +0000\""
                                  " channel=\"C5.53.retrovue.local\">\n"
                                  "  <title>The Thing</title>\n"
                                  "  <date>1982</date>\n"
                                  "  <category>Movie</category>\n"
                                  "  <previously-shown/>\n"
                                  "  <rating system=\"MPAA\">\n   <value>R</value>\n  </rating>\n"
                                  " </programme>\n"
                                  "</tv>\n");
}

static void an_episode_without_season_has_a_number_all_the_same(void **state) {
        World *world = *state;
        PlanView *view = view_new("retro", 5, "Retro");
        view_add(view, "Serial", "a-1", 30)->episode = 12;
        plan_board_publish(world->board, view);
        g_autofree char *text = xmltv(world);
        assert_non_null(strstr(text, "\"onscreen\">E12<"));
        assert_non_null(strstr(text, "\"xmltv_ns\">.11.0/1<"));
}

/* Whatever bytes titles are made of, the documents stay well-formed: every control character is gone. */
static void INV_GUIDE_002_strangers_text_does_no_harm(void **state) {
        World *world = *state;
        GRand *rand = chance_new();
        PlanView *view = view_new("retro", 5, "News, \"and\"\nmore\x01");
        for (int i = 0; i < 200; i++) {
                g_autofree char *title = chance_bytes(rand, 40), *subtitle = chance_bytes(rand, 40);
                Programme *programme = view_add(view, title, "a", 30);
                programme->subtitle = g_strdup(subtitle);
                programme->description = g_strdup("</desc>]]>\x02\xff");
        }
        plan_board_publish(world->board, view);
        g_autofree char *text = xmltv(world);
        assert_true(g_utf8_validate(text, -1, NULL));
        assert_null(strstr(text, "\xef\xbf\xbd")); /* U+FFFD */
        for (const char *p = text; *p; p++)
                assert_true((unsigned char)*p >= 0x20 || *p == '\n');
        assert_int_equal(count(text, "<title></title>"), 0);
        assert_int_equal(count(text, "<title/>"), 0);
        g_autofree char *list = m3u(world, GUIDE_STREAM_TS);
        assert_int_equal(count(list, "\n"), 3);
        assert_non_null(strstr(list, "tvg-name=\"News 'and' more\""));
        assert_non_null(strstr(list, "\",News 'and' more\n"));
        assert_non_null(strstr(text, "<display-name>News 'and' more</display-name>"));
        json_t *guide = guide_json(world->guide, NULL, SERVE_NOON, SERVE_NOON + 6000 * SERVE_MINUTE);
        assert_int_equal(json_array_size(programmes(guide)), 200);
        json_decref(guide);
        g_rand_free(rand);
}

/* --- M3U --------------------------------------------------------------------------------------------------------- */

static void m3u_says_what_each_client_reads(void **state) {
        World *world = *state;
        publish_evening(world);
        g_autofree char *text = m3u(world, GUIDE_STREAM_TS);
        assert_string_equal(
                text, "#EXTM3U url-tvg=\"" BASE "/guide.xml\" x-tvg-url=\"" BASE "/guide.xml\"\n"
                      "#EXTINF:-1 tvg-id=\"C5.53.retrovue.local\" channel-id=\"C5.53.retrovue.local\""
                      " CUID=\"C5.53.retrovue.local\" channel-number=\"5\" tvg-chno=\"5\""
                      " tvg-name=\"Retro Prime\" tvg-logo=\"" BASE "/logo/retro.png\" group-title=\"RetroVue\""
                      " tvc-stream-vcodec=\"h264\" tvc-stream-acodec=\"aac\",Retro Prime\n" BASE "/channel/retro.ts\n");
        g_autofree char *hls = m3u(world, GUIDE_STREAM_HLS);
        assert_non_null(strstr(hls, "\n" BASE "/channel/retro/master.m3u8\n"));
        g_autofree char *kodi = m3u(world, GUIDE_STREAM_KODI);
        assert_non_null(strstr(kodi, "\n#KODIPROP:mimetype=video/mp2t\n"));
        assert_true(strstr(kodi, "#EXTINF") < strstr(kodi, "#KODIPROP"));
}

static void INV_GUIDE_003_ids_are_the_same_everywhere_and_none_begins_another(void **state) {
        World *world = *state;
        g_autofree char *one = guide_channel_id(world->guide, 1), *ten = guide_channel_id(world->guide, 10);
        g_autofree char *two = guide_channel_id(world->guide, 2), *twenty = guide_channel_id(world->guide, 20);
        assert_string_equal(one, "C1.49." DOMAIN);
        assert_string_equal(ten, "C10.97." DOMAIN);
        assert_string_equal(two, "C2.50." DOMAIN);
        assert_string_equal(twenty, "C20.98." DOMAIN);
        for (int n = 1; n <= 3; n++) {
                g_autofree char *id = g_strdup_printf("ch%d", n), *name = g_strdup_printf("Channel %d", n);
                PlanView *view = view_new(id, 10 * n, name);
                view_add(view, "Something", "a", 30);
                plan_board_publish(world->board, view);
        }
        g_autofree char *list = m3u(world, GUIDE_STREAM_TS), *guide = xmltv(world);
        for (int n = 1; n <= 3; n++) {
                g_autofree char *id = guide_channel_id(world->guide, 10 * n);
                g_autofree char *tvg_id = g_strdup_printf("tvg-id=\"%s\"", id);
                g_autofree char *channel = g_strdup_printf("<channel id=\"%s\">", id);
                g_autofree char *programme = g_strdup_printf(" channel=\"%s\">", id);
                assert_int_equal(count(list, tvg_id), 1);
                assert_int_equal(count(guide, channel), 1);
                assert_int_equal(count(guide, programme), 1);
        }
}

/* --- documents --------------------------------------------------------------------------------------------------- */

static void INV_GUIDE_001_nothing_planned_is_no_document(void **state) {
        World *world = *state;
        g_auto(GuideDocument) guide = guide_xmltv(world->guide, BASE);
        g_auto(GuideDocument) list = guide_m3u(world->guide, BASE, GUIDE_STREAM_TS);
        assert_null(guide.body);
        assert_null(list.body);
        assert_null(guide_json(world->guide, "retro", 0, 1));
}

static void INV_EPG_VIEWER_INDEPENDENT_001_equal_plans_are_equal_documents(void **state) {
        World *world = *state;
        publish_evening(world);
        g_auto(GuideDocument) first = guide_xmltv(world->guide, BASE);
        g_auto(GuideDocument) again = guide_xmltv(world->guide, BASE);
        assert_ptr_equal(first.body, again.body); /* made once */
        rv_clock_fake_advance_ms(world->clock, 3600000);
        publish_evening(world); /* another generation that says the same */
        g_auto(GuideDocument) later = guide_xmltv(world->guide, BASE);
        assert_ptr_not_equal(later.body, first.body);
        assert_string_equal(later.etag, first.etag);
        assert_true(g_bytes_equal(later.body, first.body));

        PlanView *view = view_new("retro", 5, "Retro Prime");
        view_add(view, "Something else", "a", 30);
        plan_board_publish(world->board, view);
        g_auto(GuideDocument) changed = guide_xmltv(world->guide, BASE);
        assert_string_not_equal(changed.etag, first.etag);
}

static void many_base_urls_do_not_pile_up(void **state) {
        World *world = *state;
        publish_evening(world);
        for (int i = 0; i < 200; i++) {
                g_autofree char *base = g_strdup_printf("http://host%d", i);
                g_auto(GuideDocument) document = guide_m3u(world->guide, base, GUIDE_STREAM_TS);
                g_autofree char *text = text_of(&document);
                assert_non_null(strstr(text, base));
        }
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static void now_next_and_progress(void **state) {
        World *world = *state;
        publish_evening(world);
        g_autoptr(PlanView) view = plan_board_view(world->board, "retro");
        rv_clock_fake_advance_ms(world->clock, 15 * SERVE_MINUTE);
        json_t *channel = guide_channel_json(world->guide, view);
        json_t *now = json_object_get(channel, "now");
        assert_string_equal(string(channel, "id"), "retro");
        assert_string_equal(string(channel, "timezone"), "Europe/Bucharest");
        assert_int_equal(integer(channel, "number"), 5);
        assert_true(json_is_null(json_object_get(channel, "group")));
        assert_string_equal(string(now, "title"), "Cheers");
        assert_string_equal(string(now, "kind"), "episode");
        assert_int_equal(integer(now, "season"), 1);
        assert_true(json_real_value(json_object_get(now, "progress")) == 0.5);
        assert_int_equal(json_array_size(json_object_get(now, "genres")), 2);
        assert_string_equal(string(json_object_get(channel, "next"), "title"), "The Thing");
        assert_null(json_object_get(json_object_get(channel, "next"), "season"));
        json_decref(channel);

        rv_clock_fake_advance_ms(world->clock, 600 * SERVE_MINUTE); /* the plan has run out */
        channel = guide_channel_json(world->guide, view);
        assert_true(json_is_null(json_object_get(channel, "now")));
        assert_true(json_is_null(json_object_get(channel, "next")));
        json_decref(channel);
}

static void a_view_that_begins_later_has_a_next_only(void **state) {
        World *world = *state;
        publish_evening(world);
        rv_clock_fake_step_utc_ms(world->clock, -3600000);
        g_autoptr(PlanView) view = plan_board_view(world->board, "retro");
        json_t *channel = guide_channel_json(world->guide, view);
        assert_true(json_is_null(json_object_get(channel, "now")));
        assert_string_equal(string(json_object_get(channel, "next"), "title"), "Cheers");
        json_decref(channel);
}

#define GUIDE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                GUIDE_TEST(INV_EPG_FILLER_INVISIBLE_001_filler_belongs_to_the_programme_before_it),
                GUIDE_TEST(INV_EPG_FILLER_INVISIBLE_001_a_long_stretch_is_an_entry_of_its_own),
                GUIDE_TEST(a_programme_of_several_assets_has_its_parts),
                GUIDE_TEST(INV_EPG_NO_GAP_001_entries_touch),
                GUIDE_TEST(xmltv_says_all_that_is_known),
                GUIDE_TEST(an_episode_without_season_has_a_number_all_the_same),
                GUIDE_TEST(INV_GUIDE_002_strangers_text_does_no_harm),
                GUIDE_TEST(m3u_says_what_each_client_reads),
                GUIDE_TEST(INV_GUIDE_003_ids_are_the_same_everywhere_and_none_begins_another),
                GUIDE_TEST(INV_GUIDE_001_nothing_planned_is_no_document),
                GUIDE_TEST(INV_EPG_VIEWER_INDEPENDENT_001_equal_plans_are_equal_documents),
                GUIDE_TEST(many_base_urls_do_not_pile_up),
                GUIDE_TEST(now_next_and_progress),
                GUIDE_TEST(a_view_that_begins_later_has_a_next_only),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
