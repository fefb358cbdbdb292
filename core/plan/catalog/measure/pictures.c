#include "core/plan/catalog/measure/pictures.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <math.h>

#include "core/plan/catalog/measure/media.h"

#define US_PER_S INT64_C(1000000)
#define PASS_EVERY_US (2 * US_PER_S)
#define LOOK_BACK_US (20 * US_PER_S) /* a seek that lands further back is not decoded from there */
#define REORDER_US US_PER_S          /* by which packets may be out of order */
#define FEW_TRIED 4
#define BLACK "blackdetect=black_min_duration=0.05:picture_black_ratio_th=0.98:pixel_black_th=0.10"

struct Pictures {
        AVFormatContext *format;
        AVStream *stream;
        bool (*go_on)(void *user);
        void *user;
        AVCodecContext *decoder;
        AVPacket *packet;
        AVFrame *frame, *filtered;
        unsigned n_tried, n_good;
        int64_t tried_us, good_us; /* INT64_MIN: none */

        /* While a stretch is looked at. */
        int64_t from_us, to_us, end_us;
        int64_t black_from_us; /* INT64_MIN: it is not black */
        GArray *black;
        AVFilterGraph *graph;
        AVFilterContext *source, *sink;
};

Pictures *pictures_new(AVFormatContext *format, int stream_index, bool (*go_on)(void *user), void *user) {
        g_autoptr(Pictures) pictures = g_new0(Pictures, 1);
        pictures->format = format;
        pictures->stream = format->streams[stream_index];
        pictures->go_on = go_on;
        pictures->user = user;
        pictures->tried_us = pictures->good_us = INT64_MIN;
        pictures->packet = av_packet_alloc();
        pictures->frame = av_frame_alloc();
        pictures->filtered = av_frame_alloc();
        g_assert(pictures->packet && pictures->frame && pictures->filtered);
        pictures->decoder = media_decoder(pictures->stream);
        if (!pictures->decoder)
                return NULL;
        pictures->decoder->skip_loop_filter = AVDISCARD_ALL; /* nobody will see them */
        pictures->decoder->flags |=
                AV_CODEC_FLAG_OUTPUT_CORRUPT; /* what stands alone in an open group is one of these */
        return g_steal_pointer(&pictures);
}

void pictures_free(Pictures *pictures) {
        if (!pictures)
                return;
        avfilter_graph_free(&pictures->graph);
        avcodec_free_context(&pictures->decoder);
        av_packet_free(&pictures->packet);
        av_frame_free(&pictures->frame);
        av_frame_free(&pictures->filtered);
        g_free(pictures);
}

static int64_t time_of(const Pictures *pictures, int64_t stamp) {
        if (stamp == AV_NOPTS_VALUE)
                return INT64_MIN;
        return av_rescale_q(stamp, pictures->stream->time_base, AV_TIME_BASE_Q) - media_start_us(pictures->format);
}

static int64_t packet_time(const Pictures *pictures, const AVPacket *packet) {
        return time_of(pictures, packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts);
}

/* --- in passing -------------------------------------------------------------------------------------------------- */

void pictures_pass(Pictures *pictures, const AVPacket *packet) {
        const int64_t at_us = packet_time(pictures, packet);
        const bool recent =
                pictures->n_tried > 0 && at_us >= pictures->tried_us && at_us - pictures->tried_us < PASS_EVERY_US;
        if (!(packet->flags & AV_PKT_FLAG_KEY) || recent)
                return;
        pictures->tried_us = at_us;
        pictures->n_tried++;
        avcodec_flush_buffers(pictures->decoder);
        bool good = avcodec_send_packet(pictures->decoder, packet) >= 0;
        (void)avcodec_send_packet(pictures->decoder, NULL); /* it is not to wait for its neighbours */
        good = good && avcodec_receive_frame(pictures->decoder, pictures->frame) >= 0 && pictures->frame->width > 0 &&
               !pictures->frame->decode_error_flags;
        av_frame_unref(pictures->frame);
        avcodec_flush_buffers(pictures->decoder);
        if (!good)
                return;
        pictures->n_good++;
        pictures->good_us = MAX(pictures->good_us, at_us);
}

bool pictures_are_broken(const Pictures *pictures) {
        return pictures->n_tried >= FEW_TRIED && pictures->n_tried - pictures->n_good > pictures->n_good;
}

int64_t pictures_last_us(const Pictures *pictures) {
        return pictures->good_us;
}

/* --- black ------------------------------------------------------------------------------------------------------- */

static bool make_graph(Pictures *pictures, const AVFrame *frame) {
        pictures->graph = avfilter_graph_alloc();
        g_assert(pictures->graph);
        pictures->graph->nb_threads = 1;
        g_autofree char *arguments = g_strdup_printf("video_size=%dx%d:pix_fmt=%d:time_base=1/1000000:pixel_aspect=1/1",
                                                     frame->width, frame->height, frame->format);
        AVFilterInOut *inputs = avfilter_inout_alloc(), *outputs = avfilter_inout_alloc();
        g_assert(inputs && outputs);
        bool good = avfilter_graph_create_filter(&pictures->source, avfilter_get_by_name("buffer"), "in", arguments,
                                                 NULL, pictures->graph) >= 0 &&
                    avfilter_graph_create_filter(&pictures->sink, avfilter_get_by_name("buffersink"), "out", NULL, NULL,
                                                 pictures->graph) >= 0;
        *outputs = (AVFilterInOut){.name = av_strdup("in"), .filter_ctx = pictures->source};
        *inputs = (AVFilterInOut){.name = av_strdup("out"), .filter_ctx = pictures->sink};
        good = good && avfilter_graph_parse_ptr(pictures->graph, BLACK, &inputs, &outputs, NULL) >= 0 &&
               avfilter_graph_config(pictures->graph, NULL) >= 0;
        avfilter_inout_free(&inputs);
        avfilter_inout_free(&outputs);
        return good;
}

static bool read_time(const AVFrame *frame, const char *key, int64_t *ret_us) {
        const AVDictionaryEntry *entry = av_dict_get(frame->metadata, key, NULL, 0);
        if (entry)
                *ret_us = llrint(g_ascii_strtod(entry->value, NULL) * US_PER_S);
        return entry != NULL;
}

static void end_black(Pictures *pictures, int64_t end_us) {
        const PicturesBlack black = {pictures->black_from_us, end_us};
        if (black.start_us != INT64_MIN && black.end_us > black.start_us)
                g_array_append_val(pictures->black, black);
        pictures->black_from_us = INT64_MIN;
}

static void detect_black(Pictures *pictures, int64_t at_us) {
        AVFrame *frame = pictures->frame;
        if (!pictures->graph && !make_graph(pictures, frame))
                return;
        frame->pts = at_us;
        frame->sample_aspect_ratio = (AVRational){1, 1};
        if (av_buffersrc_add_frame(pictures->source, frame) < 0) /* of another size: not the same film any more */
                return;
        while (av_buffersink_get_frame(pictures->sink, pictures->filtered) >= 0) {
                int64_t when_us;
                (void)read_time(pictures->filtered, "lavfi.black_start", &pictures->black_from_us);
                if (read_time(pictures->filtered, "lavfi.black_end", &when_us))
                        end_black(pictures, when_us);
                av_frame_unref(pictures->filtered);
        }
}

/* --- a stretch --------------------------------------------------------------------------------------------------- */

static void take_frames(Pictures *pictures) {
        while (avcodec_receive_frame(pictures->decoder, pictures->frame) >= 0) {
                AVFrame *frame = pictures->frame;
                const int64_t at_us = time_of(pictures, frame->best_effort_timestamp);
                const int64_t frame_us = media_frame_us(pictures->stream);
                if (at_us != INT64_MIN && at_us >= pictures->from_us - frame_us && at_us < pictures->to_us) {
                        int64_t length_us =
                                av_rescale_q(frame->pkt_duration, pictures->stream->time_base, AV_TIME_BASE_Q);
                        if (length_us <= 0)
                                length_us = frame_us;
                        pictures->end_us = MAX(pictures->end_us, at_us + length_us);
                        if (pictures->black)
                                detect_black(pictures, at_us);
                }
                av_frame_unref(frame);
        }
}

/* From the key frame before the stretch on. False: it is behind us. */
static bool take_packet(Pictures *pictures, const AVPacket *packet, bool *begun) {
        const int64_t at_us = packet_time(pictures, packet);
        if (packet->stream_index != pictures->stream->index)
                return true;
        if (at_us != INT64_MIN && pictures->to_us != INT64_MAX && at_us > pictures->to_us + REORDER_US)
                return false;
        if (!*begun && (packet->flags & AV_PKT_FLAG_KEY) && at_us >= pictures->from_us - LOOK_BACK_US)
                *begun = true;
        if (!*begun)
                return true;
        (void)avcodec_send_packet(pictures->decoder, packet); /* a damaged packet: the next may be good */
        take_frames(pictures);
        return true;
}

bool pictures_look(Pictures *pictures, int64_t from_us, int64_t to_us, GArray *black, int64_t *ret_end_us) {
        const int64_t target_us = MAX(from_us, 0) + media_start_us(pictures->format);
        pictures->from_us = from_us;
        pictures->to_us = to_us;
        pictures->end_us = pictures->black_from_us = INT64_MIN;
        pictures->black = black;
        avcodec_flush_buffers(pictures->decoder);
        if (avformat_seek_file(pictures->format, -1, INT64_MIN, target_us, target_us, 0) < 0)
                return false;
        bool begun = false, more = true;
        while (more && pictures->go_on(pictures->user) && av_read_frame(pictures->format, pictures->packet) >= 0) {
                more = take_packet(pictures, pictures->packet, &begun);
                av_packet_unref(pictures->packet);
        }
        (void)avcodec_send_packet(pictures->decoder, NULL);
        take_frames(pictures);
        avcodec_flush_buffers(pictures->decoder);
        if (black)
                end_black(pictures, pictures->end_us);
        avfilter_graph_free(&pictures->graph);
        *ret_end_us = pictures->end_us;
        return true;
}
