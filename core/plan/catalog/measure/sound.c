#include "core/plan/catalog/measure/sound.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>
#include <math.h>

#include "core/plan/catalog/measure/media.h"

#define HOUSE_HZ 48000
/* What engines do with timestamps: those that are off by less are not believed. */
#define BELIEVE_SAMPLES (HOUSE_HZ / 20)
#define NOTHING_LUFS (-69.9) /* the gate of EBU R128: quieter than that is not heard */
#define ENOUGH_PACKETS 20
#define FILTERS "ebur128=metadata=1:framelog=verbose,silencedetect=noise=-50dB:duration=0.2"

struct Sound {
        AVCodecContext *decoder;
        AVRational time_base;
        int64_t start; /* of the file, in samples */
        struct SwrContext *resampler;
        AVFilterGraph *graph;
        AVFilterContext *source, *sink;
        AVFrame *frame, *house, *filtered;
        uint64_t n_good, n_bad;
        bool has_at;
        /* Where the next sample belongs, the first and the furthest of them, in samples of the file; and how many. */
        int64_t at, first, end, n_out;
        double peak, loudness;
        int64_t silence_from; /* in samples; INT64_MIN: it is not silent */
        GArray *silences;
};

static bool make_graph(Sound *sound) {
        sound->graph = avfilter_graph_alloc();
        g_assert(sound->graph);
        sound->graph->nb_threads = 1;
        AVFilterInOut *inputs = avfilter_inout_alloc(), *outputs = avfilter_inout_alloc();
        g_assert(inputs && outputs);
        bool good = avfilter_graph_create_filter(&sound->source, avfilter_get_by_name("abuffer"), "in",
                                                 "sample_rate=48000:sample_fmt=dbl:channel_layout=stereo:"
                                                 "time_base=1/48000",
                                                 NULL, sound->graph) >= 0 &&
                    avfilter_graph_create_filter(&sound->sink, avfilter_get_by_name("abuffersink"), "out", NULL, NULL,
                                                 sound->graph) >= 0;
        *outputs = (AVFilterInOut){.name = av_strdup("in"), .filter_ctx = sound->source};
        *inputs = (AVFilterInOut){.name = av_strdup("out"), .filter_ctx = sound->sink};
        good = good && avfilter_graph_parse_ptr(sound->graph, FILTERS, &inputs, &outputs, NULL) >= 0 &&
               avfilter_graph_config(sound->graph, NULL) >= 0;
        avfilter_inout_free(&inputs);
        avfilter_inout_free(&outputs);
        return good;
}

Sound *sound_new(const AVFormatContext *format, const AVStream *stream) {
        g_autoptr(Sound) sound = g_new0(Sound, 1);
        sound->silences = g_array_new(false, false, sizeof(SoundSilence));
        sound->silence_from = INT64_MIN;
        sound->time_base = stream->time_base;
        sound->start = av_rescale(media_start_us(format), HOUSE_HZ, AV_TIME_BASE);
        sound->loudness = -INFINITY;
        sound->end = INT64_MIN;
        sound->frame = av_frame_alloc();
        sound->house = av_frame_alloc();
        sound->filtered = av_frame_alloc();
        sound->resampler = swr_alloc();
        g_assert(sound->frame && sound->house && sound->filtered && sound->resampler);
        sound->decoder = media_decoder(stream);
        return sound->decoder && make_graph(sound) ? g_steal_pointer(&sound) : NULL;
}

void sound_free(Sound *sound) {
        if (!sound)
                return;
        avfilter_graph_free(&sound->graph);
        avcodec_free_context(&sound->decoder);
        swr_free(&sound->resampler);
        av_frame_free(&sound->frame);
        av_frame_free(&sound->house);
        av_frame_free(&sound->filtered);
        g_array_unref(sound->silences);
        g_free(sound);
}

/* --- what the filters say ---------------------------------------------------------------------------------------- */

static bool read_number(const AVFrame *frame, const char *key, double *ret_value) {
        const AVDictionaryEntry *entry = av_dict_get(frame->metadata, key, NULL, 0);
        if (!entry)
                return false;
        *ret_value = g_ascii_strtod(entry->value, NULL);
        return isfinite(*ret_value);
}

static void end_silence(Sound *sound, int64_t end) {
        if (sound->silence_from == INT64_MIN || end <= sound->silence_from)
                return;
        const SoundSilence silence = {av_rescale(sound->silence_from, AV_TIME_BASE, HOUSE_HZ),
                                      av_rescale(end, AV_TIME_BASE, HOUSE_HZ)};
        g_array_append_val(sound->silences, silence);
        sound->silence_from = INT64_MIN;
}

static void read_filtered(Sound *sound) {
        double value;
        if (read_number(sound->filtered, "lavfi.r128.I", &value))
                sound->loudness = value;
        if (read_number(sound->filtered, "lavfi.silence_start", &value))
                sound->silence_from = (int64_t)(value * HOUSE_HZ);
        if (read_number(sound->filtered, "lavfi.silence_end", &value))
                end_silence(sound, (int64_t)(value * HOUSE_HZ));
}

static void drain_filters(Sound *sound) {
        while (av_buffersink_get_frame(sound->sink, sound->filtered) >= 0) {
                read_filtered(sound);
                av_frame_unref(sound->filtered);
        }
}

/* --- from packets to samples ------------------------------------------------------------------------------------- */

static void note_peak(Sound *sound) {
        const double *samples = (const void *)sound->house->extended_data[0];
        double peak = sound->peak;
        for (int i = 0; i < 2 * sound->house->nb_samples; i++)
                peak = fmax(peak, fabs(samples[i]));
        sound->peak = peak;
}

/* frame NULL: what the resampler holds back. */
static bool convert(Sound *sound, const AVFrame *frame) {
        AVFrame *house = sound->house;
        av_frame_unref(house);
        house->format = AV_SAMPLE_FMT_DBL;
        house->sample_rate = HOUSE_HZ;
        house->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_STEREO;
        int error = swr_convert_frame(sound->resampler, house, frame);
        if (error == AVERROR_INPUT_CHANGED && frame) { /* recordings change between stereo and surround */
                swr_close(sound->resampler);
                error = swr_convert_frame(sound->resampler, house, frame);
        }
        return error >= 0;
}

static void give(Sound *sound, const AVFrame *frame) {
        if (!convert(sound, frame)) {
                sound->n_bad++;
                return;
        }
        AVFrame *house = sound->house;
        if (house->nb_samples == 0)
                return;
        note_peak(sound);
        house->pts = sound->at - sound->start;
        if (sound->n_out == 0)
                sound->first = sound->at;
        sound->n_out += house->nb_samples;
        sound->at += house->nb_samples;
        sound->end = MAX(sound->end, sound->at);
        if (av_buffersrc_add_frame(sound->source, house) >= 0)
                drain_filters(sound);
}

static void take_frame(Sound *sound) {
        AVFrame *frame = sound->frame;
        if (frame->nb_samples <= 0 || frame->sample_rate <= 0)
                return;
        if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
                av_channel_layout_default(&frame->ch_layout, frame->ch_layout.nb_channels);
        if (frame->pts != AV_NOPTS_VALUE) {
                const int64_t at = av_rescale_q(frame->pts, sound->time_base, (AVRational){1, HOUSE_HZ});
                if (!sound->has_at || llabs(at - sound->at) > BELIEVE_SAMPLES)
                        sound->at = at;
                sound->has_at = true;
        }
        give(sound, frame);
}

void sound_take(Sound *sound, const AVPacket *packet) {
        if (avcodec_send_packet(sound->decoder, packet) < 0)
                sound->n_bad += packet != NULL;
        while (avcodec_receive_frame(sound->decoder, sound->frame) >= 0) {
                sound->n_good++;
                take_frame(sound);
                av_frame_unref(sound->frame);
        }
        if (packet)
                return;
        if (swr_is_initialized(sound->resampler))
                give(sound, NULL);
        if (av_buffersrc_add_frame(sound->source, NULL) >= 0)
                drain_filters(sound);
        end_silence(sound, sound->at - sound->start);
}

/* --- what was found ---------------------------------------------------------------------------------------------- */

bool sound_is_broken(const Sound *sound) {
        const bool failed = sound->n_bad > sound->n_good && sound->n_bad + sound->n_good >= ENOUGH_PACKETS;
        return failed || sound->n_out < (sound->end - sound->first) / 2;
}

bool sound_loudness(const Sound *sound, int32_t *ret_loudness_millibel, int32_t *ret_peak_millibel) {
        if (!(sound->loudness > NOTHING_LUFS) || sound->peak <= 0)
                return false;
        *ret_loudness_millibel = (int32_t)lrint(100 * sound->loudness);
        *ret_peak_millibel = (int32_t)lrint(2000 * log10(sound->peak));
        return true;
}

const GArray *sound_silences(const Sound *sound) {
        return sound->silences;
}

int64_t sound_end_us(const Sound *sound) {
        return sound->end == INT64_MIN ? INT64_MIN : av_rescale(sound->end, AV_TIME_BASE, HOUSE_HZ);
}
