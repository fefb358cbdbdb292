/* Parts of segments (Low-Latency HLS), read back from the playlists that tell them. */
#include <string.h>

#include "core/serve/hls/hls.h"
#include "proto/base/log.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"
#include "tests/support/ts_writer.h"

#define EPOCH INT64_C(1795262400123)
#define GOP 30
#define PART 6 /* frames of 200 ms */
#define PICTURE_BYTES 700

static const RvRational ntsc = {30000, 1001};

typedef struct {
        Hls *hls;
        TsWriter *writer;
        IntakeParser *parser;
        int64_t frame;     /* the next to be written */
        GHashTable *parts; /* name -> GBytes, of all that were ever listed */
        unsigned n_published;
} Channel;

static void drop_log(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
}

static void note_published(void *user) {
        ((Channel *)user)->n_published++;
}

static void begin(Channel *channel, const char *session_id) {
        IntakeSink sink = hls_sink(channel->hls);
        hls_begin_session(channel->hls, session_id, EPOCH, ntsc);
        channel->writer = ts_writer_new(ntsc, 7000);
        channel->parser = intake_parser_new(ntsc, &sink, 1);
        channel->frame = 0;
}

static void end(Channel *channel) {
        intake_parser_end(channel->parser);
        g_clear_pointer(&channel->parser, intake_parser_free);
        g_clear_pointer(&channel->writer, ts_writer_free);
}

static void open_with(Channel *channel, int64_t part_ms) {
        const HlsOptions options = {.segment_ms = 1000, .window = 12, .on_published = note_published, .user = channel};
        rv_log_set_sink(drop_log, NULL);
        channel->hls = hls_new(&options);
        channel->parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
        hls_use_parts(channel->hls, part_ms);
        begin(channel, "aaaaaaaa-1");
}

static void close_all(Channel *channel) {
        end(channel);
        g_hash_table_unref(channel->parts);
        hls_unref(channel->hls);
        rv_log_set_sink(NULL, NULL);
}

static void write_frame(Channel *channel, bool idr) {
        g_byte_array_set_size(channel->writer->bytes, 0);
        if (idr)
                ts_writer_tables(channel->writer);
        ts_writer_picture(channel->writer, channel->frame, idr, PICTURE_BYTES);
        ts_writer_sound(channel->writer, channel->frame);
        intake_parser_push(channel->parser, channel->writer->bytes->data, channel->writer->bytes->len);
        channel->frame++;
}

static void write_frames(Channel *channel, int n) {
        for (int i = 0; i < n; i++)
                write_frame(channel, channel->frame % GOP == 0);
}

static char *text_of(HlsPlaylist playlist) {
        if (!playlist.body)
                return NULL;
        gsize size;
        const char *text = g_bytes_get_data(playlist.body, &size);
        char *copy = g_strndup(text, size);
        g_bytes_unref(playlist.body);
        return copy;
}

static char *playlist(const Channel *channel) {
        return text_of(hls_playlist(channel->hls, HLS_NEWEST));
}

/* Of "...NAME0.200200...", in microseconds. */
static int64_t us_after(const char *text, const char *name) {
        const char *at = strstr(text, name);
        assert_non_null(at);
        char *dot;
        const int64_t s = g_ascii_strtoll(at + strlen(name), &dot, 10);
        assert_int_equal(*dot, '.');
        return s * 1000000 + g_ascii_strtoll(dot + 1, NULL, 10);
}

/* --- what every playlist must be ---------------------------------------------------------------------------------- */

typedef struct {
        GByteArray *bytes; /* of the parts since the last segment */
        int64_t us, target_us;
        bool short_one; /* the last part was: it is a segment's last */
        unsigned n_parts, n_whole;
} Walk;

static GBytes *fetch_part(Channel *channel, const char *line) {
        bool is_next = true;
        const char *uri = strstr(line, "URI=\"part/") + strlen("URI=\"part/");
        g_autofree char *name = g_strndup(uri, strcspn(uri, "\""));
        GBytes *data = hls_part(channel->hls, name, &is_next);
        assert_non_null(data);
        assert_false(is_next);
        GBytes *known = g_hash_table_lookup(channel->parts, name);
        if (known)
                assert_true(g_bytes_equal(known, data)); /* INV-HLS-014: for ever the same */
        else
                g_hash_table_insert(channel->parts, g_steal_pointer(&name), g_bytes_ref(data));
        return data;
}

static void walk_part(Channel *channel, Walk *walk, const char *line) {
        gsize size;
        g_autoptr(GBytes) part = fetch_part(channel, line);
        const uint8_t *data = g_bytes_get_data(part, &size);
        const int64_t us = us_after(line, "DURATION=");
        assert_true(size > 0 && size % TS_PACKET == 0);
        assert_false(walk->short_one);
        assert_true(us <= walk->target_us);
        walk->short_one = us * 100 < walk->target_us * 85;
        /* The writer has a PAT in front of an IDR, and nowhere else. */
        const bool begins = data[1] == 0x40 && data[2] == 0;
        assert_int_equal(begins, strstr(line, "INDEPENDENT=YES") != NULL);
        assert_true(begins || walk->bytes->len > 0);
        g_byte_array_append(walk->bytes, data, (guint)size);
        walk->us += us;
        walk->n_parts++;
}

static void walk_segment(Channel *channel, Walk *walk, const char *uri) {
        g_autoptr(GBytes) segment = hls_segment(channel->hls, uri + strlen("seg/"));
        assert_non_null(segment);
        if (walk->bytes->len > 0) {
                assert_int_equal(g_bytes_get_size(segment), walk->bytes->len);
                assert_memory_equal(g_bytes_get_data(segment, NULL), walk->bytes->data, walk->bytes->len);
                walk->n_whole++;
        }
        g_byte_array_set_size(walk->bytes, 0);
        walk->us = 0;
        walk->short_one = false;
}

/* The whole list against what can be fetched; how many segments stood with all their parts. */
static unsigned check(Channel *channel) {
        g_autofree char *text = playlist(channel);
        if (!text)
                return 0;
        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
        Walk walk = {.bytes = g_byte_array_new(), .target_us = us_after(text, "PART-TARGET=")};
        for (char **line = lines; *line; line++)
                if (g_str_has_prefix(*line, "#EXT-X-PART:"))
                        walk_part(channel, &walk, *line);
                else if (g_str_has_prefix(*line, "#EXTINF:") && walk.bytes->len > 0)
                        assert_true(ABS(us_after(*line, "#EXTINF:") - walk.us) <= (int64_t)walk.n_parts);
                else if (g_str_has_prefix(*line, "seg/"))
                        walk_segment(channel, &walk, *line);
        g_byte_array_unref(walk.bytes);
        return walk.n_whole;
}

/* --- segments in parts -------------------------------------------------------------------------------------------- */

static void INV_HLS_014_parts_one_after_the_other_are_the_segment(void **state) {
        static const int lengths_ms[] = {100, 200, 250, 333, 900, 1000};
        for (size_t i = 0; i < G_N_ELEMENTS(lengths_ms); i++) {
                Channel channel = {0};
                unsigned n_whole = 0;
                open_with(&channel, lengths_ms[i]);
                for (int frame = 0; frame < 6 * GOP; frame++) {
                        write_frames(&channel, 1);
                        n_whole += check(&channel);
                }
                assert_true(n_whole >= 6 * GOP);
                close_all(&channel);
        }
}

/* Random access points anywhere, as seams have them. */
static void INV_HLS_015_parts_have_their_length_wherever_pictures_are_cut(void **state) {
        GRand *rand = chance_new();
        Channel channel = {0};
        unsigned n_whole = 0;
        open_with(&channel, 200);
        for (int frame = 0; frame < 400; frame++) {
                write_frame(&channel, frame % GOP == 0 || g_rand_int_range(rand, 0, 9) == 0);
                n_whole += check(&channel);
        }
        assert_true(n_whole > 400);
        close_all(&channel);
        g_rand_free(rand);
}

static void INV_HLS_015_missing_pictures_make_a_discontinuity(void **state) {
        Channel channel = {0};
        open_with(&channel, 200);
        write_frames(&channel, 3 * GOP + 14); /* two parts of the fourth segment, and two frames */
        channel.frame += 2 * PART;
        write_frames(&channel, 3 * GOP);
        assert_true(check(&channel) >= 2);
        g_autofree char *text = playlist(&channel);
        assert_non_null(strstr(text, "#EXT-X-DISCONTINUITY\n"));
        assert_non_null(strstr(text, "#EXTINF:0.400400,\n")); /* INV-HLS-014 */
        close_all(&channel);
}

static void INV_HLS_014_what_was_told_in_parts_is_a_segment_when_the_session_ends(void **state) {
        Channel channel = {0};
        open_with(&channel, 200);
        write_frames(&channel, 3 * GOP + 2 * PART + 2);
        g_autofree char *before = playlist(&channel);
        assert_non_null(strstr(before, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part/aaaaaaaa-17.ts\"\n"));
        (void)check(&channel);
        end(&channel);
        (void)check(&channel);
        g_autofree char *after = playlist(&channel);
        assert_non_null(strstr(after, "#EXTINF:0.400400,\n"));
        assert_null(strstr(after, "PRELOAD-HINT")); /* nobody waits for what does not come */
        begin(&channel, "bbbbbbbb-2");
        write_frames(&channel, 2 * GOP + 1);
        assert_true(check(&channel) >= 2);
        g_autofree char *next = playlist(&channel);
        const char *cut = strstr(next, "#EXT-X-DISCONTINUITY\n");
        assert_non_null(cut);
        assert_null(strstr(cut + 1, "#EXT-X-DISCONTINUITY\n"));
        close_all(&channel);
}

/* --- who asks for what is to come ----------------------------------------------------------------------------------
 */

static void INV_HLS_016_what_is_to_come_is_waited_for_and_nonsense_is_not(void **state) {
        static const struct {
                int64_t number, part;
                HlsReach reach;
        } cases[] = {
                {0, HLS_WHOLE, HLS_REACHED},
                {2, HLS_WHOLE, HLS_REACHED},
                {2, 4, HLS_REACHED},
                {2, 5, HLS_REACHED},
                {3, 0, HLS_REACHED},
                {3, 1, HLS_REACHED},
                {3, 2, HLS_AHEAD},
                {3, HLS_WHOLE, HLS_AHEAD},
                {4, 0, HLS_AHEAD},
                {4, HLS_WHOLE, HLS_AHEAD},
                {5, 0, HLS_BEYOND},
                {5, HLS_WHOLE, HLS_BEYOND},
                {3, 2 + 14, HLS_AHEAD},
                {3, 2 + 15, HLS_BEYOND},
                {4, 15, HLS_BEYOND},
                {INT64_MAX, 0, HLS_BEYOND},
                {INT64_MAX, INT64_MAX, HLS_BEYOND},
        };
        Channel channel = {0};
        open_with(&channel, 200);
        write_frames(&channel, 3 * GOP + 2 * PART + 1); /* segments 0 to 2, parts 0 and 1 of the next */
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                assert_int_equal(hls_reach(channel.hls, HLS_NEWEST, cases[i].number, cases[i].part), cases[i].reach);
        const unsigned n_published = channel.n_published;
        write_frames(&channel, PART);
        assert_int_equal(hls_reach(channel.hls, HLS_NEWEST, 3, 2), HLS_REACHED);
        assert_int_equal(channel.n_published, n_published + 1); /* who waits is woken */
        close_all(&channel);
}

static void INV_HLS_016_the_part_hinted_at_is_the_next_one(void **state) {
        Channel channel = {0};
        open_with(&channel, 200);
        write_frames(&channel, 2 * GOP + 1);
        for (int i = 0; i < 12; i++) {
                bool is_next = false;
                g_autofree char *text = playlist(&channel);
                const char *uri = strstr(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part/") +
                                  strlen("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part/");
                g_autofree char *name = g_strndup(uri, strcspn(uri, "\""));
                assert_null(hls_part(channel.hls, name, &is_next));
                assert_true(is_next);
                write_frames(&channel, PART);
                g_autoptr(GBytes) part = hls_part(channel.hls, name, &is_next);
                assert_non_null(part);
                assert_false(is_next);
                g_autofree char *told = playlist(&channel);
                assert_non_null(strstr(told, name));
        }
        bool is_next = true;
        assert_null(hls_part(channel.hls, "aaaaaaaa-99999.ts", &is_next));
        assert_false(is_next);
        close_all(&channel);
}

/* --- the playlist --------------------------------------------------------------------------------------------------
 */

static unsigned count(const char *text, const char *what) {
        unsigned n = 0;
        for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
                n++;
        return n;
}

static void INV_HLS_017_a_playlist_says_what_may_be_asked(void **state) {
        Channel channel = {0};
        open_with(&channel, 200);
        write_frames(&channel, 14 * GOP + PART + 1);
        g_autofree char *text = playlist(&channel);
        assert_non_null(strstr(text,
                               "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.600600,"
                               "HOLD-BACK=3.000000,CAN-SKIP-UNTIL=6.000000\n#EXT-X-PART-INF:PART-TARGET=0.200200\n"));
        assert_non_null(strstr(text, "#EXT-X-VERSION:9\n"));
        /* Of the newest three segments, which end less than three seconds before the end, and of the open one. */
        assert_int_equal(count(text, "#EXT-X-PART:"), 3 * 5 + 1);
        assert_int_equal(count(text, "\nseg/"), 12);

        /* What ends six seconds before the end or earlier need not be told again. */
        g_autofree char *delta = text_of(hls_playlist_delta(channel.hls, HLS_NEWEST));
        assert_non_null(strstr(delta, "#EXT-X-SKIP:SKIPPED-SEGMENTS=6\n"));
        assert_int_equal(count(delta, "\nseg/"), 6);
        assert_true(g_str_has_suffix(text, strstr(delta, "SKIPPED-SEGMENTS=6\n") + strlen("SKIPPED-SEGMENTS=6\n")));
        const HlsPlaylist whole = hls_playlist(channel.hls, HLS_NEWEST),
                          part = hls_playlist_delta(channel.hls, HLS_NEWEST);
        assert_string_not_equal(whole.etag, part.etag);
        g_bytes_unref(whole.body);
        g_bytes_unref(part.body);
        close_all(&channel);
}

static void INV_HLS_017_without_the_option_there_is_nothing_of_it(void **state) {
        Channel channel = {0};
        int64_t number, part;
        open_with(&channel, 0);
        write_frames(&channel, 14 * GOP + PART + 1);
        g_autofree char *text = playlist(&channel), *delta = text_of(hls_playlist_delta(channel.hls, HLS_NEWEST));
        assert_string_equal(text, delta);
        assert_null(strstr(text, "PART"));
        assert_null(strstr(text, "HINT"));
        assert_non_null(strstr(text, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n"
                                     "#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:2\n"));
        assert_int_equal(hls_reach(channel.hls, HLS_NEWEST, 900, 7), HLS_REACHED);
        assert_int_equal(hls_patience_ms(channel.hls), 0);
        assert_false(hls_newest(channel.hls, 0, &number, &part));
        close_all(&channel);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_HLS_014_parts_one_after_the_other_are_the_segment),
                cmocka_unit_test(INV_HLS_014_what_was_told_in_parts_is_a_segment_when_the_session_ends),
                cmocka_unit_test(INV_HLS_015_parts_have_their_length_wherever_pictures_are_cut),
                cmocka_unit_test(INV_HLS_015_missing_pictures_make_a_discontinuity),
                cmocka_unit_test(INV_HLS_016_what_is_to_come_is_waited_for_and_nonsense_is_not),
                cmocka_unit_test(INV_HLS_016_the_part_hinted_at_is_the_next_one),
                cmocka_unit_test(INV_HLS_017_a_playlist_says_what_may_be_asked),
                cmocka_unit_test(INV_HLS_017_without_the_option_there_is_nothing_of_it),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
