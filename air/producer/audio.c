#include "air/producer/audio.h"

#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <stdlib.h>
#include <string.h>

#define BELIEVE_STAMPS_MS 50

/* What the resampler was made for. */
typedef struct {
        int rate_hz, format;
        AVChannelLayout layout;
} Shape;

struct Audio {
        Decoder *decoder;
        AVRational time_base;
        int32_t sample_rate_hz;
        MediaTime zero;
        int64_t offset_ms;

        AVFrame *frame; /* has a buffer when decoded and not yet resampled */
        Shape shape;
        struct SwrContext *resampler;
        bool drained;

        /* Where the resampler stands: samples in and out since it was put at base. */
        bool has_base;
        int64_t base, n_in, n_out;

        /* What came out last: samples [chunk_at, chunk_at + chunk_n). */
        float *chunk;
        int chunk_capacity;
        int64_t chunk_at;
        int chunk_n;
};

Audio *audio_new(Demux *demux, int32_t sample_rate_hz, const atomic_bool *abort, Fault *fault) {
        g_autoptr(Audio) audio = g_new0(Audio, 1);
        audio->decoder = decoder_new(demux, DEMUX_AUDIO, abort, fault);
        if (!audio->decoder)
                return NULL;
        audio->time_base = demux_stream(demux, DEMUX_AUDIO)->time_base;
        audio->sample_rate_hz = sample_rate_hz;
        audio->zero = (MediaTime){0, 1};
        audio->frame = av_frame_alloc();
        g_assert(audio->frame);
        return g_steal_pointer(&audio);
}

void audio_free(Audio *audio) {
        if (!audio)
                return;
        decoder_free(audio->decoder);
        av_frame_free(&audio->frame);
        swr_free(&audio->resampler);
        av_channel_layout_uninit(&audio->shape.layout);
        g_free(audio->chunk);
        g_free(audio);
}

void audio_set_zero(Audio *audio, MediaTime zero, int64_t offset_ms) {
        audio->zero = zero;
        audio->offset_ms = offset_ms;
}

static DecoderResult fetch(Audio *audio) {
        if (audio->frame->buf[0])
                return DECODER_FRAME;
        DecoderResult result;
        do
                result = decoder_next(audio->decoder, audio->frame);
        while (result == DECODER_FRAME && (audio->frame->nb_samples <= 0 || audio->frame->sample_rate <= 0));
        return result;
}

bool audio_peek_time(Audio *audio, MediaTime *ret_time) {
        if (fetch(audio) != DECODER_FRAME || audio->frame->pts == AV_NOPTS_VALUE)
                return false;
        *ret_time = (MediaTime){audio->frame->pts * audio->time_base.num, audio->time_base.den};
        return true;
}

void audio_flush(Audio *audio) {
        decoder_flush(audio->decoder);
        av_frame_unref(audio->frame);
        swr_free(&audio->resampler);
        audio->drained = false;
        audio->has_base = false;
        audio->chunk_n = 0;
}

static bool shape_is(const Shape *shape, const AVFrame *frame) {
        return shape->rate_hz == frame->sample_rate && shape->format == frame->format &&
               av_channel_layout_compare(&shape->layout, &frame->ch_layout) == 0;
}

static bool new_resampler(Audio *audio) {
        const AVFrame *frame = audio->frame;
        Shape *shape = &audio->shape;
        swr_free(&audio->resampler);
        av_channel_layout_uninit(&shape->layout);
        if (av_channel_layout_copy(&shape->layout, &frame->ch_layout) < 0)
                return false;
        shape->rate_hz = frame->sample_rate;
        shape->format = frame->format;

        AVChannelLayout from = {0};
        AVChannelLayout house = AV_CHANNEL_LAYOUT_STEREO;
        if (shape->layout.order == AV_CHANNEL_ORDER_UNSPEC)
                av_channel_layout_default(&from, shape->layout.nb_channels);
        else if (av_channel_layout_copy(&from, &shape->layout) < 0)
                return false;
        const int error = swr_alloc_set_opts2(&audio->resampler, &house, AV_SAMPLE_FMT_FLT, audio->sample_rate_hz,
                                              &from, shape->format, shape->rate_hz, 0, NULL);
        av_channel_layout_uninit(&from);
        if (error >= 0 && swr_init(audio->resampler) >= 0)
                return true;
        swr_free(&audio->resampler);
        return false;
}

static int64_t counted(const Audio *audio) {
        return audio->base + av_rescale(audio->n_in, audio->sample_rate_hz, MAX(audio->shape.rate_hz, 1));
}

static void put_at(Audio *audio, int64_t base) {
        audio->has_base = true;
        audio->base = base;
        audio->n_in = audio->n_out = 0;
}

/* INV-PRODUCER-004: where the frame in hand belongs; true when the count goes on as it was. */
static bool place(Audio *audio) {
        const AVFrame *frame = audio->frame;
        const int64_t here = audio->has_base ? counted(audio) : 0;
        if (frame->pts == AV_NOPTS_VALUE) {
                if (!audio->has_base)
                        put_at(audio, here);
                return true;
        }
        const MediaTime time = {frame->pts * audio->time_base.num, audio->time_base.den};
        const int64_t stamped = timing_sample(time, audio->zero, audio->offset_ms, audio->sample_rate_hz);
        if (audio->has_base && llabs(stamped - here) <= (int64_t)audio->sample_rate_hz * BELIEVE_STAMPS_MS / 1000)
                return true;
        put_at(audio, stamped);
        return false;
}

static bool prepare(Audio *audio) {
        const bool alike = audio->resampler && shape_is(&audio->shape, audio->frame);
        if (audio->has_base && !alike)
                put_at(audio, counted(audio));
        const bool goes_on = place(audio);
        return (alike && goes_on) || new_resampler(audio);
}

/* From the resampler into chunk; frame NULL: what it still holds. */
static void convert(Audio *audio, const AVFrame *frame) {
        const int n_in = frame ? frame->nb_samples : 0;
        const int most = swr_get_out_samples(audio->resampler, n_in);
        if (most > audio->chunk_capacity) {
                audio->chunk = g_renew(float, audio->chunk, (size_t)most *AUDIO_CHANNELS);
                audio->chunk_capacity = most;
        }
        uint8_t *into[] = {(uint8_t *)audio->chunk};
        const uint8_t **from = frame ? (const uint8_t **)frame->extended_data : NULL;
        const int n = most > 0 ? swr_convert(audio->resampler, into, most, from, n_in) : 0;
        audio->chunk_at = audio->base + audio->n_out;
        audio->chunk_n = MAX(n, 0);
        audio->n_in += n_in;
        audio->n_out += audio->chunk_n;
}

static DecoderResult next_chunk(Audio *audio) {
        const DecoderResult result = fetch(audio);
        if (result == DECODER_FRAME) {
                if (prepare(audio))
                        convert(audio, audio->frame);
                av_frame_unref(audio->frame);
                return result;
        }
        if (result == DECODER_END && audio->resampler && !audio->drained) {
                audio->drained = true;
                convert(audio, NULL);
                return DECODER_FRAME;
        }
        return result;
}

bool audio_read(Audio *audio, int64_t at, uint32_t n, float *into) {
        const int64_t end = at + n;
        int64_t cursor = at;
        memset(into, 0, sizeof(float) * AUDIO_CHANNELS * n);
        while (cursor < end) {
                const int64_t chunk_end = audio->chunk_at + audio->chunk_n;
                if (audio->chunk_n == 0 || chunk_end <= cursor) {
                        audio->chunk_n = 0;
                        const DecoderResult result = next_chunk(audio);
                        if (result != DECODER_FRAME)
                                return result == DECODER_NOT_NEAR || cursor > at;
                        continue;
                }
                if (audio->chunk_at >= end)
                        return true;
                const int64_t from = MAX(cursor, audio->chunk_at), to = MIN(end, chunk_end);
                memcpy(into + (from - at) * AUDIO_CHANNELS, audio->chunk + (from - audio->chunk_at) * AUDIO_CHANNELS,
                       sizeof(float) * AUDIO_CHANNELS * (size_t)(to - from));
                cursor = to;
        }
        return true;
}

void audio_shape(float *samples, uint32_t n, float gain, int32_t level_from, int32_t level_to) {
        const float first = gain * (float)level_from / TIMING_FULL;
        const float step = gain * (float)(level_to - level_from) / TIMING_FULL / (float)MAX(n, 1);
        for (uint32_t i = 0; i < n; i++) {
                const float factor = first + step * (float)i;
                for (uint32_t c = 0; c < AUDIO_CHANNELS; c++) {
                        float *sample = &samples[i * AUDIO_CHANNELS + c];
                        *sample = CLAMP(*sample * factor, -1.0F, 1.0F);
                }
        }
}

void audio_soften(float *samples, uint32_t n, int64_t at, int step) {
        for (uint32_t i = 0; i < n; i++, at += step) {
                if (at >= AUDIO_EDGE)
                        continue;
                const float factor = (float)MAX(at, 0) / AUDIO_EDGE;
                for (uint32_t c = 0; c < AUDIO_CHANNELS; c++)
                        samples[i * AUDIO_CHANNELS + c] *= factor;
        }
}
