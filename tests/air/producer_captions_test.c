/* Which captions of the pictures of a file the ticks of a segment carry. */
#include <libavformat/avformat.h>

#include "tests/air/producer_rig.h"
#include "tests/support/temp_dir.h"

#define STYLE 0x9429
#define MAX_PAIRS 400

typedef struct {
        uint16_t pairs[MAX_PAIRS]; /* of field 1, without nulls */
        int64_t ticks[MAX_PAIRS];
        int n;
} Heard;

static uint16_t numbered(int i) {
        return (uint16_t)((0x20 + i / 64) << 8 | (0x20 + i % 64));
}

static void note(Heard *heard, const Cell *cell) {
        for (size_t at = 0; at < cell->captions.size; at += CAPTIONS_TRIPLET) {
                const uint8_t *triplet = cell->captions.bytes + at;
                const uint16_t pair = (uint16_t)(triplet[1] << 8 | triplet[2]);
                if (triplet[0] != 0xfc || pair == 0x8080)
                        continue;
                g_assert(heard->n < MAX_PAIRS);
                heard->ticks[heard->n] = cell->tick;
                heard->pairs[heard->n++] = pair;
        }
}

static void hear(Rig *rig, int64_t from, int64_t to, Heard *heard) {
        *heard = (Heard){0};
        rig_seek(rig, from);
        for (int64_t k = from; k < to; k++) {
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
                note(heard, &rig->cell);
        }
}

/* All pairs of the file from the first one on, each once, in order, soon after their pictures. */
static void assert_whole(const Heard *heard, int n_pairs, int pairs_a_second, RvRational house) {
        assert_int_equal(heard->n, n_pairs);
        for (int i = 0; i < n_pairs; i++) {
                assert_int_equal(heard->pairs[i], i < 2 ? STYLE : numbered(i));
                const int64_t due = (int64_t)i * house.num / house.den / pairs_a_second;
                assert_in_range(heard->ticks[i] - due + 1, 0, 5);
        }
}

static void INV_PRODUCER_030_pictures_shown_twice_say_it_once(void **state) {
        g_autofree char *path = rig_clip("captions24.mkv");
        const RvRational houses[] = {{60, 1}, {30000, 1001}, {25, 1}, {24, 1}};
        for (size_t i = 0; i < G_N_ELEMENTS(houses); i++) {
                Heard heard;
                g_autoptr(Rig) rig =
                        rig_new(&(RigSpec){.path = path, .duration_ms = 6000, .rate = houses[i], .start_tick = 100});
                assert_non_null(rig->source);
                hear(rig, 0, rv_tick_at_ms(4900, houses[i]), &heard);
                for (int j = 0; j < heard.n; j++)
                        heard.ticks[j] -= 100;
                assert_true(heard.n > 110);
                assert_whole(&heard, heard.n, 24, houses[i]);
        }
}

static void INV_PRODUCER_030_pictures_left_out_say_it_too(void **state) {
        g_autofree char *path = rig_clip("captions60.mp4");
        Heard heard;
        g_autoptr(Rig) rig = rig_new(&(RigSpec){.path = path, .duration_ms = 6000, .rate = {30, 1}});
        assert_non_null(rig->source);
        hear(rig, 0, 149, &heard);
        assert_true(heard.n > 140);
        assert_whole(&heard, heard.n, 30, (RvRational){30, 1});
}

/* --- a film with a track of captions ----------------------------------------------------------------------------- */

/* Which field's atom follows that of field 1, which then is empty. */
typedef enum { FILM_FIRST, FILM_SECOND } FilmField;

static void put_pair(GByteArray *bytes, uint16_t pair) {
        g_byte_array_append(bytes, (const uint8_t[]){0xfc, (uint8_t)(pair >> 8), (uint8_t)pair}, 3);
}

/* One packet of the track: pairs from first on. The muxer wants triplets, and writes what is in them as an atom. */
static void write_pairs(AVFormatContext *out, int64_t first, int n, FilmField field) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        const uint16_t head[] = {0, (uint16_t)(8 + 2 * n), 'c' << 8 | 'd', 't' << 8 | '2'};
        for (size_t i = 0; field == FILM_SECOND && i < G_N_ELEMENTS(head); i++)
                put_pair(bytes, head[i]);
        for (int64_t i = first; i < first + n; i++)
                put_pair(bytes, i < 2 ? STYLE : numbered((int)i));
        AVPacket *packet = av_packet_alloc();
        assert_int_equal(av_new_packet(packet, (int)bytes->len), 0);
        memcpy(packet->data, bytes->data, bytes->len);
        const AVRational frames = {1001, 30000};
        packet->stream_index = 1;
        packet->pts = packet->dts = av_rescale_q(first, frames, out->streams[1]->time_base);
        packet->duration = av_rescale_q(n, frames, out->streams[1]->time_base);
        assert_int_equal(av_interleaved_write_frame(out, packet), 0);
        av_packet_free(&packet);
}

static AVFormatContext *film_begin(const char *path, const AVStream *pictures) {
        AVFormatContext *out = NULL;
        assert_true(avformat_alloc_output_context2(&out, NULL, "mov", path) >= 0);
        AVStream *video = avformat_new_stream(out, NULL), *captions = avformat_new_stream(out, NULL);
        assert_true(avcodec_parameters_copy(video->codecpar, pictures->codecpar) >= 0);
        video->codecpar->codec_tag = 0;
        video->time_base = pictures->time_base;
        captions->codecpar->codec_type = AVMEDIA_TYPE_SUBTITLE;
        captions->codecpar->codec_id = AV_CODEC_ID_EIA_608;
        captions->codecpar->codec_tag = MKTAG('c', '6', '0', '8');
        captions->time_base = (AVRational){1, 30000};
        assert_true(avio_open(&out->pb, path, AVIO_FLAG_WRITE) >= 0);
        assert_true(avformat_write_header(out, NULL) >= 0);
        return out;
}

/* The pictures of a clip, and with each n-th of them the pairs of as many. */
static void film_make(const char *path, const char *clip, int n, FilmField field) {
        AVFormatContext *in = NULL;
        assert_int_equal(avformat_open_input(&in, clip, NULL, NULL), 0);
        const int index = av_find_best_stream(in, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
        AVFormatContext *out = film_begin(path, in->streams[index]);
        AVPacket *packet = av_packet_alloc();
        for (int64_t i = 0; av_read_frame(in, packet) >= 0;) {
                const bool is_picture = packet->stream_index == index;
                if (is_picture && i % n == 0)
                        write_pairs(out, i, n, field);
                i += is_picture;
                av_packet_rescale_ts(packet, in->streams[index]->time_base, out->streams[0]->time_base);
                packet->stream_index = 0;
                if (is_picture)
                        assert_int_equal(av_interleaved_write_frame(out, packet), 0);
                av_packet_unref(packet);
        }
        av_packet_free(&packet);
        assert_int_equal(av_write_trailer(out), 0);
        avio_closep(&out->pb);
        avformat_free_context(out);
        avformat_close_input(&in);
}

static void INV_PRODUCER_031_a_track_beside_the_pictures_is_heard(void **state) {
        static const int pairs_a_packet[] = {1, 30};
        char *dir = temp_dir_new();
        g_autofree char *clip = rig_clip("r2997.mp4");
        g_autofree char *path = g_build_filename(dir, "film.mov", NULL);
        const RvRational house = {30000, 1001};
        for (size_t i = 0; i < G_N_ELEMENTS(pairs_a_packet); i++) {
                film_make(path, clip, pairs_a_packet[i], FILM_FIRST);
                Heard heard;
                g_autoptr(Rig) rig = rig_new(&(RigSpec){.path = path, .duration_ms = 4000, .rate = house});
                assert_non_null(rig->source);
                hear(rig, 0, 100, &heard);
                assert_true(heard.n > 90);
                for (int j = 0; j < heard.n; j++) {
                        assert_int_equal(heard.pairs[j], j < 2 ? STYLE : numbered(j));
                        assert_in_range(heard.ticks[j] - j, 0, 4);
                }
                hear(rig, 50, 100, &heard); /* the style was said before: whose it is nobody knows */
                assert_int_equal(heard.n, 0);
        }
        temp_dir_free(dir);
}

static void INV_PRODUCER_031_the_second_field_is_another(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *clip = rig_clip("r2997.mp4");
        g_autofree char *path = g_build_filename(dir, "film.mov", NULL);
        film_make(path, clip, 30, FILM_SECOND);
        g_autoptr(Rig) rig = rig_new(&(RigSpec){.path = path, .duration_ms = 4000, .rate = {30000, 1001}});
        int n = 0;
        for (int64_t k = 0; k < 60; k++) {
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
                for (size_t at = 0; at < rig->cell.captions.size; at += CAPTIONS_TRIPLET) {
                        const uint8_t *triplet = rig->cell.captions.bytes + at;
                        const bool is_null = (triplet[1] & 0x7f) == 0;
                        assert_true(is_null || (triplet[0] & 7) == 5);
                        n += !is_null;
                }
        }
        assert_true(n > 50);
        temp_dir_free(dir);
}

static void INV_PRODUCER_030_what_was_said_before_the_beginning_is_left_out(void **state) {
        g_autofree char *path = rig_clip("captions24.mkv");
        Heard heard;
        g_autoptr(Rig) late =
                rig_new(&(RigSpec){.path = path, .duration_ms = 4000, .rate = {24, 1}, .offset_ms = 1000});
        assert_non_null(late->source);
        hear(late, 0, 90, &heard);
        assert_int_equal(heard.n, 0); /* the style was said before: whose it is nobody knows */
        g_autoptr(Rig) again = rig_new(&(RigSpec){.path = path, .duration_ms = 4000, .rate = {24, 1}});
        hear(again, 50, 90, &heard);
        assert_int_equal(heard.n, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_PRODUCER_030_pictures_shown_twice_say_it_once),
                cmocka_unit_test(INV_PRODUCER_030_pictures_left_out_say_it_too),
                cmocka_unit_test(INV_PRODUCER_031_a_track_beside_the_pictures_is_heard),
                cmocka_unit_test(INV_PRODUCER_031_the_second_field_is_another),
                cmocka_unit_test(INV_PRODUCER_030_what_was_said_before_the_beginning_is_left_out),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
