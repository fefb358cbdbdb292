#include "air/producer/video.h"

#include <string.h>

#include "air/producer/picture/filter.h"

struct Video {
        Demux *demux;
        AVStream *stream;
        Decoder *decoder;
        Filter *filter;
        AVFrame *decoded;
        FrameGrid grid;
        bool has_zero, has_last, ended;
        int64_t zero_pts;
        int64_t last_pts; /* since zero */
};

static void read_grid(Video *video) {
        const AVRational rate = av_guess_frame_rate(demux_format(video->demux), video->stream, NULL);
        const AVRational base = video->stream->time_base;
        video->grid.rate = timing_nominal_rate(rate.num, rate.den);
        video->grid.unit = (MediaTime){base.num, base.den};
}

Video *video_new(Demux *demux, const atomic_bool *abort, Fault *fault) {
        g_autoptr(Video) video = g_new0(Video, 1);
        video->demux = demux;
        video->stream = demux_stream(demux, DEMUX_VIDEO);
        video->decoder = decoder_new(demux, DEMUX_VIDEO, abort, fault);
        if (!video->decoder)
                return NULL;
        video->filter = filter_new(video->stream);
        video->decoded = av_frame_alloc();
        g_assert(video->decoded);
        read_grid(video);
        return g_steal_pointer(&video);
}

void video_free(Video *video) {
        if (!video)
                return;
        decoder_free(video->decoder);
        filter_free(video->filter);
        av_frame_free(&video->decoded);
        g_free(video);
}

static DecoderResult next_upright(Video *video, AVFrame *into) {
        for (;;) {
                if (filter_pull(video->filter, into))
                        return DECODER_FRAME;
                if (video->ended)
                        return DECODER_END;
                const DecoderResult result = decoder_next(video->decoder, video->decoded);
                if (result == DECODER_NOT_NEAR)
                        return result;
                video->ended = result == DECODER_END;
                AVFrame *frame = video->decoded;
                if (!video->ended) {
                        frame->pts = frame->best_effort_timestamp;
                        frame->sample_aspect_ratio =
                                av_guess_sample_aspect_ratio(demux_format(video->demux), video->stream, frame);
                }
                filter_push(video->filter, video->ended ? NULL : frame);
        }
}

/* A stamp since zero; one period after the last when the container has none. */
static int64_t stamp_of(Video *video, const AVFrame *frame) {
        const bool stamped = frame->pts != AV_NOPTS_VALUE;
        if (!video->has_zero) {
                video->has_zero = true;
                video->zero_pts = stamped ? frame->pts : 0;
        }
        if (stamped)
                return frame->pts - video->zero_pts;
        if (!video->has_last)
                return 0;
        const AVRational period = {video->grid.rate.den, video->grid.rate.num};
        return video->last_pts + MAX(1, av_rescale_q(1, period, video->stream->time_base));
}

DecoderResult video_next(Video *video, AVFrame *into, VideoStamp *ret_stamp) {
        for (;;) {
                av_frame_unref(into);
                const DecoderResult result = next_upright(video, into);
                if (result != DECODER_FRAME)
                        return result;
                const int64_t pts = stamp_of(video, into);
                if (video->has_last && pts <= video->last_pts)
                        continue;
                video->has_last = true;
                video->last_pts = pts;
                ret_stamp->time = timing_frame(&video->grid, pts, &ret_stamp->index);
                ret_stamp->end = timing_frame_end(&video->grid, pts, into->pkt_duration);
                return DECODER_FRAME;
        }
}

void video_flush(Video *video) {
        decoder_flush(video->decoder);
        filter_flush(video->filter);
        video->has_last = false;
        video->ended = false;
}

void video_skip_before(Video *video, int64_t ms) {
        const AVRational in_ms = {1, 1000};
        if (!video_zero_is_vague(video))
                decoder_skip_before(video->decoder,
                                    video->zero_pts + av_rescale_q(ms, in_ms, video->stream->time_base));
}

int64_t video_memory_ms(const Video *video) {
        return filter_remembers(video->filter) ? rv_mul_div_ceil(2000, video->grid.rate.den, video->grid.rate.num) : 0;
}

MediaTime video_zero(const Video *video) {
        return (MediaTime){video->zero_pts * video->grid.unit.num, video->grid.unit.den};
}

bool video_zero_is_vague(const Video *video) {
        return strcmp(demux_format(video->demux)->iformat->name, "avi") == 0 &&
               decoder_codec(video->decoder)->has_b_frames > 0;
}

unsigned video_damaged(const Video *video) {
        return decoder_damaged(video->decoder);
}
