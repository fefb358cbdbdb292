#include "air/producer/decoder.h"

#include <errno.h>
#include <stdatomic.h>

#include "air/producer/shortage.h"

/* Threads of a decoder hold pictures, and delay them by one each: a core decodes 300 a second of this size, and it is
 * not before this size that a second thread is worth both. */
#define ONE_THREAD_PIXELS ((int64_t)1280 * 720)
#define MORE_THREADS 2
/* A picture of more is refused: 256 MB and more in memory, not television. */
#define MAX_PIXELS ((int64_t)8192 * 8192)

struct Decoder {
        Demux *demux;
        DemuxStream which;
        const atomic_bool *abort;
        AVCodecContext *codec;
        AVPacket *packet;
        bool draining;
        int64_t skip_before; /* pts */
        unsigned damaged;
        atomic_bool refused; /* memory, to one of the codec's own threads; written by those */
};

static int threads_for(const AVCodecParameters *parameters) {
        return (int64_t)parameters->width * parameters->height > ONE_THREAD_PIXELS ? MORE_THREADS : 1;
}

/*
 * Each of the codec's own threads asks for memory here at the start of each picture. What was refused to it while it
 * decoded the one before is in its errno still, and is nowhere else where the codec has passed over it.
 */
static int get_buffer(AVCodecContext *codec, AVFrame *frame, int flags) {
        Decoder *decoder = codec->opaque;
        const bool before = errno == ENOMEM;
        errno = 0;
        const int error = avcodec_default_get_buffer2(codec, frame, flags);
        if (before || errno == ENOMEM || error == AVERROR(ENOMEM))
                atomic_store(&decoder->refused, true);
        return error;
}

static void use_threads(Decoder *decoder, int n) {
        decoder->codec->thread_count = n;
        if (n == 1)
                return;
        decoder->codec->opaque = decoder;
        decoder->codec->get_buffer2 = get_buffer;
#if FF_API_THREAD_SAFE_CALLBACKS
        G_GNUC_BEGIN_IGNORE_DEPRECATIONS
        decoder->codec->thread_safe_callbacks = 1;
        G_GNUC_END_IGNORE_DEPRECATIONS
#endif
}

static bool open_codec(Decoder *decoder, const AVStream *stream, Fault *fault) {
        const AVCodecParameters *parameters = stream->codecpar;
        const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
        if (!codec) {
                fault_set(fault, "NO_DECODER", "no decoder for %s", avcodec_get_name(parameters->codec_id));
                return false;
        }
        decoder->codec = avcodec_alloc_context3(codec);
        decoder->packet = av_packet_alloc();
        g_assert(decoder->codec && decoder->packet);
        int error = avcodec_parameters_to_context(decoder->codec, parameters);
        decoder->codec->pkt_timebase = stream->time_base; /* without it skipped samples do not move the stamps */
        use_threads(decoder, threads_for(parameters));
        decoder->codec->max_pixels = MAX_PIXELS;
        if (error >= 0)
                error = shortage_look(avcodec_open2(decoder->codec, codec, NULL));
        if (error < 0)
                fault_set(fault, "NO_DECODER", "%s: %s", codec->name, av_err2str(error));
        return error >= 0;
}

Decoder *decoder_new(Demux *demux, DemuxStream which, const atomic_bool *abort, Fault *fault) {
        g_autoptr(Decoder) decoder = g_new0(Decoder, 1);
        decoder->demux = demux;
        decoder->which = which;
        decoder->abort = abort;
        decoder->skip_before = INT64_MIN;
        if (!open_codec(decoder, demux_stream(demux, which), fault))
                return NULL;
        return g_steal_pointer(&decoder);
}

void decoder_free(Decoder *decoder) {
        if (!decoder)
                return;
        av_packet_free(&decoder->packet);
        avcodec_free_context(&decoder->codec);
        g_free(decoder);
}

static bool may_skip(const Decoder *decoder) {
        const int64_t pts = decoder->packet->pts;
        return pts != AV_NOPTS_VALUE && pts < decoder->skip_before;
}

/* One packet further, or into draining. */
static DemuxResult feed(Decoder *decoder) {
        const DemuxResult result = demux_read(decoder->demux, decoder->which, decoder->packet);
        if (result == DEMUX_NOT_NEAR)
                return result;
        decoder->draining = result == DEMUX_END;
        decoder->codec->skip_frame = may_skip(decoder) ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
        const int error =
                shortage_look(avcodec_send_packet(decoder->codec, decoder->draining ? NULL : decoder->packet));
        av_packet_unref(decoder->packet);
        if (error < 0 && error != AVERROR_EOF)
                decoder->damaged++; /* INV-PRODUCER-006: what cannot be decoded is passed over */
        return result;
}

DecoderResult decoder_next(Decoder *decoder, AVFrame *into) {
        while (!atomic_load(decoder->abort)) {
                const int result = shortage_look(avcodec_receive_frame(decoder->codec, into));
                if (atomic_load(&decoder->refused))
                        (void)shortage_look(AVERROR(ENOMEM));
                if (result == 0)
                        return DECODER_FRAME;
                if (result == AVERROR_EOF)
                        return DECODER_END;
                if (result != AVERROR(EAGAIN)) {
                        decoder->damaged++;
                        if (decoder->draining)
                                return DECODER_END;
                }
                if (feed(decoder) == DEMUX_NOT_NEAR)
                        return DECODER_NOT_NEAR;
        }
        return DECODER_END;
}

void decoder_flush(Decoder *decoder) {
        avcodec_flush_buffers(decoder->codec);
        decoder->draining = false;
        decoder->skip_before = INT64_MIN;
}

/* Only those whose decoders say exactly which pictures nobody refers to. */
void decoder_skip_before(Decoder *decoder, int64_t pts) {
        switch ((int)decoder->codec->codec_id) {
        case AV_CODEC_ID_H264:
        case AV_CODEC_ID_MPEG1VIDEO:
        case AV_CODEC_ID_MPEG2VIDEO:
                decoder->skip_before = pts;
                break;
        default:
                break;
        }
}

const AVCodecContext *decoder_codec(const Decoder *decoder) {
        return decoder->codec;
}

unsigned decoder_damaged(const Decoder *decoder) {
        return decoder->damaged;
}
