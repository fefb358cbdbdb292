#include "core/serve/hls/hls.h"

#include <pthread.h>
#include <string.h>

#include "proto/base/log.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"
#include "tests/support/ts_writer.h"

#define EPOCH INT64_C(1795262400123) /* 2026-11-21T12:00:00.123Z */
#define WINDOW 6
#define GOP 30

static const RvRational ntsc = {30000, 1001};

/* One channel's segments, written through a parser as an engine would. */
typedef struct {
        Hls *hls;
        TsWriter *writer;
        IntakeParser *parser;
        int64_t frame; /* the next to be written */
        int64_t next_sequence, discontinuity;
        unsigned n_published;
} Channel;

static void note_sequence(void *user, int64_t next_sequence, int64_t discontinuity) {
        Channel *channel = user;
        assert_true(next_sequence > channel->next_sequence); /* INV-HLS-004 */
        assert_true(discontinuity >= channel->discontinuity);
        channel->next_sequence = next_sequence;
        channel->discontinuity = discontinuity;
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

/* So many seconds of stream; a segment is complete when the next begins. */
static void write_s(Channel *channel, int seconds) {
        g_byte_array_set_size(channel->writer->bytes, 0);
        ts_writer_frames(channel->writer, channel->frame, channel->frame + seconds * GOP, GOP);
        intake_parser_push(channel->parser, channel->writer->bytes->data, channel->writer->bytes->len);
        channel->frame += seconds * GOP;
}

static void write_splice(Channel *channel, bool out, uint32_t id, int64_t frame, int64_t duration_90khz) {
        g_byte_array_set_size(channel->writer->bytes, 0);
        ts_writer_splice(channel->writer, out, id, frame, duration_90khz);
        intake_parser_push(channel->parser, channel->writer->bytes->data, channel->writer->bytes->len);
}

static Channel channel_new_at(int64_t first_sequence, int64_t first_discontinuity) {
        return (Channel){.next_sequence = first_sequence, .discontinuity = first_discontinuity};
}

static void channel_open(Channel *channel) {
        HlsOptions options = {
                .segment_ms = 1000,
                .window = WINDOW,
                .first_sequence = channel->next_sequence,
                .first_discontinuity = channel->discontinuity,
                .on_sequence = note_sequence,
                .on_published = note_published,
                .user = channel,
        };
        channel->hls = hls_new(&options);
}

static void channel_close(Channel *channel) {
        if (channel->parser)
                end(channel);
        hls_unref(channel->hls);
}

/* NULL: not published. g_free it. */
static char *playlist_from(Hls *hls, int64_t beginning) {
        HlsPlaylist playlist = hls_playlist(hls, beginning);
        if (!playlist.body)
                return NULL;
        size_t size;
        const char *text = g_bytes_get_data(playlist.body, &size);
        char *copy = g_strndup(text, size);
        g_bytes_unref(playlist.body);
        return copy;
}

static char *playlist(Hls *hls) {
        return playlist_from(hls, HLS_NEWEST);
}

static int64_t tag_value(const char *text, const char *tag) {
        const char *at = strstr(text, tag);
        assert_non_null(at);
        return g_ascii_strtoll(at + strlen(tag), NULL, 10);
}

static unsigned count(const char *text, const char *what) {
        unsigned n = 0;
        if (!text)
                return UINT_MAX;
        for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
                n++;
        return n;
}

/* Name of the n-th segment listed; g_free it. */
static char *segment_name(const char *text, unsigned n) {
        const char *p = strstr(text, "\nseg/");
        for (unsigned i = 0; p && i < n; i++)
                p = strstr(p + 1, "\nseg/");
        if (!p)
                g_error("no segment %u in %s", n, text);
        p += strlen("\nseg/");
        return g_strndup(p, strcspn(p, "\n"));
}

static int pid_at(GBytes *bytes, size_t packet) {
        size_t size;
        const uint8_t *data = g_bytes_get_data(bytes, &size);
        assert_true((packet + 1) * TS_PACKET <= size);
        return (data[packet * TS_PACKET + 1] & 0x1f) << 8 | data[packet * TS_PACKET + 2];
}

/* --- segments ---------------------------------------------------------------------------------------------------- */

static void INV_HLS_001_segments_begin_with_tables_and_an_idr_and_lose_nothing(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 5);
        g_autofree char *text = playlist(channel.hls);
        assert_int_equal(count(text, "#EXTINF:"), 4);
        size_t at = 0;
        for (unsigned i = 0; i < 4; i++) {
                g_autofree char *name = segment_name(text, i);
                g_autoptr(GBytes) segment = hls_segment(channel.hls, name);
                assert_non_null(segment);
                assert_int_equal(pid_at(segment, 0), 0);
                assert_int_equal(pid_at(segment, 1), 0x20);
                assert_int_equal(pid_at(segment, 2), 0x41);
                const uint8_t *data = g_bytes_get_data(segment, NULL);
                assert_true(data[2 * TS_PACKET + 5] & 0x40); /* random access */
                /* Segment after segment is the stream, byte for byte. */
                assert_memory_equal(data, channel.writer->bytes->data + at, g_bytes_get_size(segment));
                at += g_bytes_get_size(segment);
        }
        channel_close(&channel);
}

static void ignore_log(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
        (*(unsigned *)user)++;
}

/* Whatever the distances of random access points: lengths are counted, no segment is longer than promised. */
static void INV_HLS_002_no_segment_is_longer_than_the_target(void **state) {
        unsigned logged = 0;
        GRand *rand = chance_new();
        rv_log_set_sink(ignore_log, &logged);
        for (int round = 0; round < 30; round++) {
                HlsOptions options = {.segment_ms = g_rand_int_range(rand, 1, 5) * 500, .window = 8};
                g_autoptr(Hls) hls = hls_new(&options);
                IntakeSink sink = hls_sink(hls);
                static const uint8_t packet[TS_PACKET] = {0x47};
                hls_begin_session(hls, "s", EPOCH, ntsc);
                int64_t frame = 0;
                for (int i = 0; i < 60; i++) {
                        sink.random_access(sink.user, frame);
                        sink.packets(sink.user, packet, sizeof packet);
                        frame += g_rand_int_range(rand, 1, 120);
                        g_autofree char *text = playlist(hls);
                        if (!text)
                                continue;
                        int64_t target = tag_value(text, "#EXT-X-TARGETDURATION:");
                        double total = 0;
                        for (const char *p = strstr(text, "#EXTINF:"); p; p = strstr(p + 1, "#EXTINF:")) {
                                double seconds = g_ascii_strtod(p + strlen("#EXTINF:"), NULL);
                                assert_true((int64_t)(seconds + 0.5) <= target);
                                total += seconds;
                        }
                        assert_true(total > 0);
                }
        }
        rv_log_set_sink(NULL, NULL);
        g_rand_free(rand);
}

static void INV_HLS_002_a_new_playlist_begins_with_one_segment(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 1);
        assert_null(playlist(channel.hls)); /* it is complete when the next begins */
        write_s(&channel, 1);
        g_autofree char *text = playlist(channel.hls);
        assert_int_equal(count(text, "#EXTINF:1.001000,"), 1);
        assert_int_equal(tag_value(text, "#EXT-X-MEDIA-SEQUENCE:"), 0);
        channel_close(&channel);
}

static void INV_HLS_002_one_that_goes_on_holds_three_target_durations(void **state) {
        Channel channel = channel_new_at(100, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 3);
        assert_null(playlist(channel.hls)); /* two are complete */
        assert_int_equal(channel.n_published, 0);
        HlsMeasure measure;
        assert_false(hls_measure(channel.hls, &measure));
        write_s(&channel, 1);
        g_autofree char *text = playlist(channel.hls);
        assert_non_null(text);
        assert_int_equal(channel.n_published, 1);
        assert_int_equal(count(text, "#EXTINF:1.001000,"), 3);
        assert_int_equal(tag_value(text, "#EXT-X-TARGETDURATION:"), 1);
        assert_int_equal(tag_value(text, "#EXT-X-MEDIA-SEQUENCE:"), 100);
        assert_int_equal(tag_value(text, "#EXT-X-VERSION:"), 3);
        assert_int_equal(count(text, "#EXT-X-INDEPENDENT-SEGMENTS"), 1);
        assert_int_equal(count(text, "#EXT-X-ENDLIST"), 0);
        channel_close(&channel);
}

static void INV_HLS_006_dates_and_lengths_are_counted_in_frames(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 1001); /* 1000 segments of 1.001 s are 1001 s, not a millisecond less */
        g_autofree char *text = playlist(channel.hls);
        assert_int_equal(tag_value(text, "#EXT-X-MEDIA-SEQUENCE:"), 1000 - WINDOW);
        const char *last = g_strrstr(text, "#EXT-X-PROGRAM-DATE-TIME:");
        /* epoch + 999 * 1.001 s = 12:16:40.122 */
        assert_true(g_str_has_prefix(last, "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:16:40.122Z\n#EXTINF:1.001000,\n"));
        channel_close(&channel);
}

/* --- sessions ---------------------------------------------------------------------------------------------------- */

static void INV_HLS_003_one_discontinuity_between_sessions_and_none_in_front(void **state) {
        Channel channel = channel_new_at(0, 5);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 5);
        g_autofree char *before = playlist(channel.hls);
        assert_int_equal(count(before, "#EXT-X-DISCONTINUITY\n"), 0);
        assert_int_equal(tag_value(before, "#EXT-X-DISCONTINUITY-SEQUENCE:"), 5);
        end(&channel); /* the engine crashed */

        begin(&channel, "bbbbbbbb-2");
        write_s(&channel, 2);
        g_autofree char *both = playlist(channel.hls);
        assert_int_equal(count(both, "#EXT-X-DISCONTINUITY\n"), 1);
        assert_int_equal(count(both, "seg/aaaaaaaa-"), 4);
        assert_int_equal(count(both, "seg/bbbbbbbb-"), 1);
        assert_true(strstr(both, "#EXT-X-DISCONTINUITY\n") < strstr(both, "seg/bbbbbbbb-"));
        assert_true(strstr(both, "#EXT-X-DISCONTINUITY\n") > strstr(both, "seg/aaaaaaaa-3.ts"));
        assert_int_equal(tag_value(both, "#EXT-X-DISCONTINUITY-SEQUENCE:"), 5);

        write_s(&channel, 5);
        g_autofree char *after = playlist(channel.hls);
        assert_int_equal(count(after, "#EXT-X-DISCONTINUITY\n"), 0); /* it has left with the segment before it */
        assert_int_equal(tag_value(after, "#EXT-X-DISCONTINUITY-SEQUENCE:"), 6);
        channel_close(&channel);
}

static void INV_HLS_003_a_session_without_a_segment_leaves_no_trace(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 5);
        end(&channel);
        begin(&channel, "bbbbbbbb-2");
        end(&channel);
        begin(&channel, "cccccccc-3");
        write_s(&channel, 2);
        g_autofree char *text = playlist(channel.hls);
        assert_int_equal(count(text, "#EXT-X-DISCONTINUITY\n"), 1);
        write_s(&channel, 7);
        g_autofree char *after = playlist(channel.hls);
        assert_int_equal(tag_value(after, "#EXT-X-DISCONTINUITY-SEQUENCE:"), 1);
        channel_close(&channel);
}

static void INV_HLS_004_numbers_only_rise(void **state) {
        Channel channel = channel_new_at(1000, 3);
        channel_open(&channel);
        for (int session = 0; session < 4; session++) {
                g_autofree char *id = g_strdup_printf("%08d", session);
                begin(&channel, id);
                write_s(&channel, 5); /* note_sequence sees that they rise */
                end(&channel);
                if (session % 2)
                        hls_rest(channel.hls);
        }
        assert_int_equal(channel.next_sequence, 1000 + 4 * 4);
        assert_int_equal(channel.discontinuity, 3 + 3);
        channel_close(&channel);
}

static void INV_HLS_004_a_rested_channel_begins_a_new_playlist(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 5);
        g_autofree char *before = playlist(channel.hls);
        g_autofree char *old = segment_name(before, 0);
        end(&channel);
        hls_rest(channel.hls);
        assert_null(playlist(channel.hls));
        assert_null(hls_segment(channel.hls, old));
        begin(&channel, "bbbbbbbb-2");
        write_s(&channel, 5);
        g_autofree char *after = playlist(channel.hls);
        assert_int_equal(tag_value(after, "#EXT-X-MEDIA-SEQUENCE:"), 0);
        assert_int_equal(tag_value(after, "#EXT-X-DISCONTINUITY-SEQUENCE:"), 1);
        assert_int_equal(count(after, "#EXT-X-DISCONTINUITY\n"), 0);
        channel_close(&channel);
}

/* A player that slept while the channel rested: its numbers never fall, and it is not given less than it may expect. */
static void INV_HLS_004_who_knows_an_older_playlist_sees_it_go_on(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 5);
        end(&channel);
        hls_rest(channel.hls);
        begin(&channel, "bbbbbbbb-2");
        write_s(&channel, 2);
        g_autofree char *first = playlist(channel.hls);
        assert_int_equal(tag_value(first, "#EXT-X-MEDIA-SEQUENCE:"), 0);
        assert_null(playlist_from(channel.hls, 0)); /* segments have left that one */
        write_s(&channel, 2);
        HlsMeasure measure;
        assert_true(hls_measure(channel.hls, &measure));
        assert_int_equal(measure.beginning, 4);
        g_autofree char *old = playlist_from(channel.hls, 0), *new = playlist_from(channel.hls, measure.beginning);
        assert_int_equal(tag_value(old, "#EXT-X-MEDIA-SEQUENCE:"), 4);
        assert_int_equal(tag_value(new, "#EXT-X-MEDIA-SEQUENCE:"), 0);
        assert_string_equal(strstr(old, "#EXT-X-DISCONTINUITY-SEQUENCE"), strstr(new, "#EXT-X-DISCONTINUITY-SEQUENCE"));
        assert_null(playlist_from(channel.hls, 5)); /* not yet */
        HlsPlaylist a = hls_playlist(channel.hls, 0), b = hls_playlist(channel.hls, HLS_NEWEST);
        assert_string_not_equal(a.etag, b.etag);
        g_bytes_unref(a.body);
        g_bytes_unref(b.body);
        channel_close(&channel);
}

static void INV_HLS_005_a_segment_stays_for_a_window_after_it_has_left(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 4);
        g_autofree char *text = playlist(channel.hls);
        g_autofree char *name = segment_name(text, 0);
        write_s(&channel, WINDOW - 3); /* the window is full */
        write_s(&channel, WINDOW + 1); /* the first has left for a window and its own length */
        g_autoptr(GBytes) kept = hls_segment(channel.hls, name);
        assert_non_null(kept);
        g_autofree char *later = playlist(channel.hls);
        assert_int_equal(count(later, "#EXTINF:"), WINDOW);
        assert_null(strstr(later, name));
        write_s(&channel, 4);
        assert_null(hls_segment(channel.hls, name));
        assert_true(g_bytes_get_size(kept) > 0); /* who holds it may go on reading */
        channel_close(&channel);
}

/* --- what goes wrong --------------------------------------------------------------------------------------------- */

static void INV_HLS_007_time_stamps_that_jump_make_a_discontinuity(void **state) {
        static const uint8_t packet[TS_PACKET] = {0x47};
        unsigned logged = 0;
        rv_log_set_sink(ignore_log, &logged);
        HlsOptions options = {.segment_ms = 1000, .window = WINDOW};
        g_autoptr(Hls) hls = hls_new(&options);
        IntakeSink sink = hls_sink(hls);
        const int64_t frames[] = {0, 30, 60, 90, 120, -5000, -4970, 1000000, 1000030, 1000060};
        hls_begin_session(hls, "s", EPOCH, ntsc);
        for (size_t i = 0; i < G_N_ELEMENTS(frames); i++) {
                sink.random_access(sink.user, frames[i]);
                sink.packets(sink.user, packet, sizeof packet);
        }
        rv_log_set_sink(NULL, NULL);
        g_autofree char *text = playlist(hls);
        assert_int_equal(count(text, "#EXT-X-DISCONTINUITY\n"), 2);
        assert_int_equal(count(text, "#EXTINF:1.001000,"), WINDOW);
        assert_int_equal(tag_value(text, "#EXT-X-TARGETDURATION:"), 1);
        assert_int_equal(logged, 2);
}

static void INV_HLS_007_a_segment_without_end_is_let_go(void **state) {
        unsigned logged = 0;
        rv_log_set_sink(ignore_log, &logged);
        HlsOptions options = {.segment_ms = 1000, .window = WINDOW};
        g_autoptr(Hls) hls = hls_new(&options);
        IntakeSink sink = hls_sink(hls);
        size_t size = 5000 * TS_PACKET;
        g_autofree uint8_t *packets = g_malloc0(size);
        hls_begin_session(hls, "s", EPOCH, ntsc);
        for (int i = 0; i <= 3; i++) {
                sink.random_access(sink.user, i * 30);
                sink.packets(sink.user, packets, TS_PACKET);
        }
        for (int i = 0; i < 200; i++) /* 188 MB */
                sink.packets(sink.user, packets, size);
        sink.random_access(sink.user, 120);
        sink.packets(sink.user, packets, TS_PACKET);
        sink.random_access(sink.user, 150);
        rv_log_set_sink(NULL, NULL);
        g_autofree char *text = playlist(hls);
        assert_int_equal(count(text, "#EXTINF:"), 4);
        assert_int_equal(count(text, "#EXT-X-DISCONTINUITY\n"), 1);
        HlsMeasure measure;
        assert_true(hls_measure(hls, &measure));
        assert_int_equal(measure.peak_bps, TS_PACKET * 8 * 1000 / 1001 + 1);
        assert_int_equal(logged, 1);
}

static void unknown_segments_are_not_there(void **state) {
        HlsOptions options = {.segment_ms = 1000};
        g_autoptr(Hls) hls = hls_new(&options);
        assert_null(hls_segment(hls, ""));
        assert_null(hls_segment(hls, "../../etc/passwd"));
        assert_null(playlist(hls));
}

/* --- what is in the stream --------------------------------------------------------------------------------------- */

static void codecs_are_read_from_the_stream(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 5);
        HlsMeasure measure;
        assert_true(hls_measure(channel.hls, &measure));
        assert_string_equal(measure.codecs, TS_WRITER_CODECS);
        assert_true(measure.average_bps > 0 && measure.average_bps <= measure.peak_bps);
        channel_close(&channel);
}

static void INV_HLS_010_codecs_are_those_of_the_stream(void **state) {
        static const char *const names[] = {
                [TS_WRITER_AAC] = TS_WRITER_CODECS,
                [TS_WRITER_AC3] = "avc1.64001f,ac-3",
                [TS_WRITER_MP2] = "avc1.64001f,mp4a.40.33",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                Channel channel = channel_new_at(0, 0);
                channel_open(&channel);
                begin(&channel, "aaaaaaaa-1");
                channel.writer->sound = (TsWriterSound)i;
                write_s(&channel, 5);
                HlsMeasure measure;
                assert_true(hls_measure(channel.hls, &measure));
                assert_string_equal(measure.codecs, names[i]);
                channel_close(&channel);
        }
}

/* A ladder in its first session, before its first segment. */
static void ladder_open(Channel *first, Channel *second) {
        channel_open(first);
        channel_open(second);
        begin(first, "aaaaaaaa-1");
        begin(second, "aaaaaaaa-1");
        hls_align(first->hls, second->hls);
}

/* Two renditions of which the second came late into one session, was lost in the next, and is there after a rest. */
static void INV_HLS_011_renditions_count_alike_or_apart(void **state) {
        Channel first = channel_new_at(7, 2), second = channel_new_at(4, 3);
        ladder_open(&first, &second);
        write_s(&first, 5);
        assert_false(hls_keeps_up(second.hls, first.hls)); /* four segments */
        write_s(&second, 5);
        assert_true(hls_keeps_up(second.hls, first.hls));
        g_autofree char *of_first = playlist(first.hls), *of_second = playlist(second.hls);
        assert_string_equal(of_first, of_second);
        assert_non_null(strstr(of_first, "seg/aaaaaaaa-7.ts"));
        write_s(&first, 3);
        assert_true(hls_keeps_up(second.hls, first.hls));
        write_s(&first, 1);
        assert_false(hls_keeps_up(second.hls, first.hls));
        hls_rest(first.hls);
        hls_rest(second.hls);
        hls_align(first.hls, second.hls);
        assert_true(hls_keeps_up(second.hls, first.hls) && hls_keeps_up(first.hls, second.hls));
        channel_close(&first);
        channel_close(&second);
}

/* The engine died, and the second rendition before it: the next session has both, the first's playlist goes on. */
static void INV_HLS_011_a_lost_rendition_is_found_by_the_next_session(void **state) {
        Channel first = channel_new_at(0, 0), second = channel_new_at(0, 0);
        ladder_open(&first, &second);
        write_s(&first, 9);
        write_s(&second, 3);
        assert_false(hls_keeps_up(second.hls, first.hls));
        end(&first);
        end(&second);
        begin(&first, "bbbbbbbb-2");
        begin(&second, "bbbbbbbb-2");
        hls_align(first.hls, second.hls);
        assert_true(hls_keeps_up(second.hls, first.hls));
        write_s(&first, 5);
        write_s(&second, 5);
        g_autofree char *of_first = playlist(first.hls), *of_second = playlist(second.hls);
        assert_non_null(strstr(of_first, "seg/aaaaaaaa-7.ts"));
        assert_null(strstr(of_second, "seg/aaaaaaaa-"));
        assert_int_equal(tag_value(of_second, "#EXT-X-MEDIA-SEQUENCE:"), 0); /* a playlist of its own */
        assert_int_equal(tag_value(of_second, "#EXT-X-DISCONTINUITY-SEQUENCE:"), 1);
        assert_string_equal(strstr(of_first, "seg/bbbbbbbb-8.ts"), strstr(of_second, "seg/bbbbbbbb-8.ts"));
        channel_close(&first);
        channel_close(&second);
}

static void INV_HLS_011_a_ladder_counts_on_after_a_restart(void **state) {
        Channel first = channel_new_at(256, 16), second = channel_new_at(256, 16);
        ladder_open(&first, &second);
        write_s(&first, 5);
        write_s(&second, 5);
        g_autofree char *of_first = playlist(first.hls), *of_second = playlist(second.hls);
        assert_int_equal(tag_value(of_first, "#EXT-X-MEDIA-SEQUENCE:"), 256);
        assert_string_equal(of_first, of_second);
        channel_close(&first);
        channel_close(&second);
}

static void INV_HLS_012_tables_of_receivers_are_left_out(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        uint8_t eit[188] = {0x47, 0x40, 0x12, 0x10}, private[188] = {0x47, 0x40, 0x15, 0x10};
        for (int i = 0; i < 3; i++) {
                write_s(&channel, 1);
                intake_parser_push(channel.parser, eit, sizeof eit);
                intake_parser_push(channel.parser, private, sizeof private);
        }
        write_s(&channel, 1);
        g_autoptr(GBytes) segment = hls_segment(channel.hls, "aaaaaaaa-1.ts");
        gsize size = 0, n_private = 0;
        const uint8_t *bytes = g_bytes_get_data(segment, &size);
        for (gsize at = 0; at < size; at += 188) {
                assert_int_equal(bytes[at], 0x47);
                assert_false(bytes[at + 2] == 0x12 && (bytes[at + 1] & 0x1f) == 0);
                n_private += bytes[at + 2] == 0x15 && (bytes[at + 1] & 0x1f) == 0;
        }
        assert_int_equal(n_private, 1);
        channel_close(&channel);
}

static void tags_change_with_the_playlist(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        write_s(&channel, 5);
        HlsPlaylist a = hls_playlist(channel.hls, HLS_NEWEST), same = hls_playlist(channel.hls, HLS_NEWEST);
        write_s(&channel, 1);
        HlsPlaylist b = hls_playlist(channel.hls, HLS_NEWEST);
        assert_string_equal(a.etag, same.etag);
        assert_string_not_equal(a.etag, b.etag);
        assert_int_equal(b.sequence, a.sequence + 1);
        g_bytes_unref(a.body);
        g_bytes_unref(same.body);
        g_bytes_unref(b.body);
        channel_close(&channel);
}

/* --- readers while it is written --------------------------------------------------------------------------------- */

static void *read_on(void *user) {
        Channel *channel = user;
        for (int i = 0; i < 300; i++) {
                g_autofree char *text = playlist(channel->hls);
                if (!text)
                        continue;
                g_autofree char *name = segment_name(text, 0);
                g_autoptr(GBytes) segment = hls_segment(channel->hls, name); /* what is listed can be had */
                if (!segment)
                        return (void *)1;
        }
        return NULL;
}

static void readers_see_whole_playlists(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin(&channel, "aaaaaaaa-1");
        pthread_t readers[2];
        for (int i = 0; i < 2; i++)
                assert_int_equal(pthread_create(&readers[i], NULL, read_on, &channel), 0);
        for (int i = 0; i < 60; i++)
                write_s(&channel, 1);
        for (int i = 0; i < 2; i++) {
                void *missing;
                pthread_join(readers[i], &missing);
                assert_null(missing);
        }
        channel_close(&channel);
}

/* --- breaks ------------------------------------------------------------------------------------------------------ */

static void begin_with_splices(Channel *channel, const char *session_id) {
        begin(channel, session_id);
        channel->writer->splices = true;
}

static void assert_lines(Hls *hls, const char *what, unsigned n) {
        g_autofree char *text = playlist(hls);
        if (count(text, what) != n)
                fail_msg("%s: not %u times in %s", what, n, text);
}

#define BREAK_BEGINS                                                                                                   \
        "#EXT-X-DATERANGE:ID=\"splice-6FFFFFF0-aaaaaaaa\",START-DATE=\"2026-11-21T12:00:05.128Z\",PLANNED-DURATION="   \
        "10.010000,SCTE35-OUT=0xFC3025"
#define BREAK_ENDS                                                                                                     \
        "#EXT-X-DATERANGE:ID=\"splice-6FFFFFF0-aaaaaaaa\",START-DATE=\"2026-11-21T12:00:05.128Z\",DURATION=9.009000,"  \
        "SCTE35-IN=0xFC3020"

/* From frame 150 to 420, though 450 was planned. */
static void INV_HLS_008_a_break_is_a_date_range(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin_with_splices(&channel, "aaaaaaaa-1");
        write_s(&channel, 3);
        write_splice(&channel, true, 0x6ffffff0, 150, 900900);
        assert_lines(channel.hls, "#EXT-X-DATERANGE", 0); /* one version of a playlist is one text */
        write_s(&channel, 1);
        assert_lines(channel.hls, BREAK_BEGINS, 1);
        write_splice(&channel, true, 0x6ffffff0, 150, 900900);
        write_splice(&channel, false, 0x6ffffff0, 420, -1);
        assert_lines(channel.hls, "#EXT-X-DATERANGE", 1);
        write_s(&channel, 1);
        for (int second = 5; second < 14 + WINDOW; second++) {
                assert_lines(channel.hls, BREAK_BEGINS, 1);
                assert_lines(channel.hls, BREAK_ENDS, 1);
                assert_lines(channel.hls, "#EXT-X-DATERANGE", 2);
                write_s(&channel, 1);
        }
        write_s(&channel, 1); /* the segment that began at frame 390 has left */
        assert_lines(channel.hls, "#EXT-X-DATERANGE", 0);
        channel_close(&channel);
}

/* What an attribute of an ID was once it always is: RFC 8216, 4.3.2.7. */
static void INV_HLS_008_what_was_said_of_a_break_is_not_changed(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin_with_splices(&channel, "aaaaaaaa-1");
        write_s(&channel, 3);
        write_splice(&channel, false, 1, 100, -1); /* of a break that nobody has heard of */
        write_splice(&channel, true, 2, TS_WRITER_NOW, -1);
        write_splice(&channel, true, 2, 100, 90000);
        write_splice(&channel, true, 3, 3600 * 60, 90000); /* an hour and more away */
        write_s(&channel, 2);
        assert_lines(channel.hls, "#EXT-X-DATERANGE", 1);
        assert_lines(channel.hls,
                     "ID=\"splice-00000002-aaaaaaaa\",START-DATE=\"2026-11-21T12:00:03.092Z\",SCTE35-OUT=", 1);
        write_splice(&channel, false, 2, 180, -1);
        write_splice(&channel, false, 2, 190, -1);
        write_s(&channel, 1);
        assert_lines(channel.hls, "DURATION=3.036366,", 1);
        channel_close(&channel);
}

/* A new engine's session tells the rest of the break in its own words, under another ID. */
static void INV_HLS_008_sessions_do_not_speak_for_each_other(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin_with_splices(&channel, "aaaaaaaa-1");
        write_s(&channel, 4);
        write_splice(&channel, true, 1, 119, 900000);
        write_s(&channel, 1);
        end(&channel);
        begin_with_splices(&channel, "bbbbbbbb-2");
        write_s(&channel, 1);
        write_splice(&channel, true, 1, TS_WRITER_NOW, 450000);
        write_splice(&channel, false, 1, 100, -1);
        write_s(&channel, 2);
        assert_lines(channel.hls, "\"splice-00000001-aaaaaaaa\"", 1);
        assert_lines(channel.hls, "\"splice-00000001-bbbbbbbb\"", 2);
        hls_rest(channel.hls);
        write_s(&channel, 8);
        assert_lines(channel.hls, "#EXT-X-DATERANGE", 0);
        channel_close(&channel);
}

/* A stream that is full of breaks which never end takes no more memory, and no more of the playlist. */
static void INV_HLS_008_breaks_are_bounded(void **state) {
        Channel channel = channel_new_at(0, 0);
        channel_open(&channel);
        begin_with_splices(&channel, "aaaaaaaa-1");
        for (uint32_t i = 0; i < 200; i++) {
                write_s(&channel, 1);
                write_splice(&channel, true, i, TS_WRITER_NOW, -1);
        }
        write_s(&channel, 1);
        assert_lines(channel.hls, "#EXT-X-DATERANGE", 32);
        assert_lines(channel.hls, "\"splice-000000C7-aaaaaaaa\"", 1);
        channel_close(&channel);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_HLS_001_segments_begin_with_tables_and_an_idr_and_lose_nothing),
                cmocka_unit_test(INV_HLS_002_no_segment_is_longer_than_the_target),
                cmocka_unit_test(INV_HLS_002_a_new_playlist_begins_with_one_segment),
                cmocka_unit_test(INV_HLS_002_one_that_goes_on_holds_three_target_durations),
                cmocka_unit_test(INV_HLS_003_one_discontinuity_between_sessions_and_none_in_front),
                cmocka_unit_test(INV_HLS_003_a_session_without_a_segment_leaves_no_trace),
                cmocka_unit_test(INV_HLS_004_numbers_only_rise),
                cmocka_unit_test(INV_HLS_004_a_rested_channel_begins_a_new_playlist),
                cmocka_unit_test(INV_HLS_004_who_knows_an_older_playlist_sees_it_go_on),
                cmocka_unit_test(INV_HLS_005_a_segment_stays_for_a_window_after_it_has_left),
                cmocka_unit_test(INV_HLS_006_dates_and_lengths_are_counted_in_frames),
                cmocka_unit_test(INV_HLS_007_time_stamps_that_jump_make_a_discontinuity),
                cmocka_unit_test(INV_HLS_007_a_segment_without_end_is_let_go),
                cmocka_unit_test(INV_HLS_008_a_break_is_a_date_range),
                cmocka_unit_test(INV_HLS_008_what_was_said_of_a_break_is_not_changed),
                cmocka_unit_test(INV_HLS_008_sessions_do_not_speak_for_each_other),
                cmocka_unit_test(INV_HLS_008_breaks_are_bounded),
                cmocka_unit_test(unknown_segments_are_not_there),
                cmocka_unit_test(codecs_are_read_from_the_stream),
                cmocka_unit_test(INV_HLS_010_codecs_are_those_of_the_stream),
                cmocka_unit_test(INV_HLS_011_renditions_count_alike_or_apart),
                cmocka_unit_test(INV_HLS_011_a_lost_rendition_is_found_by_the_next_session),
                cmocka_unit_test(INV_HLS_011_a_ladder_counts_on_after_a_restart),
                cmocka_unit_test(INV_HLS_012_tables_of_receivers_are_left_out),
                cmocka_unit_test(tags_change_with_the_playlist),
                cmocka_unit_test(readers_see_whole_playlists),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
