#include "core/plan/catalog/probe.h"

#include <libavutil/log.h>
#include <string.h>

#include "core/plan/catalog/measure/media.h"
#include "proto/base/log.h"

#define MS_PER_S INT64_C(1000)
#define NS_PER_S INT64_C(1000000000)
#define TIME_LIMIT_NS (120 * NS_PER_S)
#define MAX_ALLOCATION (512 * 1024 * 1024)
#define MAX_CHAPTERS 1000
#define MAX_DURATION_MS (48 * 3600 * MS_PER_S)
#define READ_WHOLE_BYTES (32 * 1024 * 1024) /* a smaller file is read to its end in less time than is worth saving */
#define TAIL_US (10 * INT64_C(1000000))     /* longer than any sane distance of key frames */
#define TOLERANCE_MS 100                    /* by which header and packets may differ */
#define FIRST_PICTURE_PACKETS 300           /* video packets that may go by before the first picture */

typedef struct {
        Asset *asset;
        RvClock *clock;
        const atomic_bool *stop;
        int64_t deadline_ns;
        AVFormatContext *format;
        AVCodecContext *decoder; /* of the pictures, until the first has come */
        AVPacket *packet;
        AVFrame *frame;
        int video, audio; /* stream indexes; -1 = none */
        MediaTrack video_track, audio_track;
        bool picture;
        uint64_t n_tried; /* video packets given to the decoder */
} Probe;

static void log_libav(void *object, int level, const char *format, va_list args) {
        if (level > AV_LOG_WARNING || !rv_log_enabled(RV_LOG_DEBUG))
                return;
        char line[512];
        int print_prefix = 1;
        av_log_format_line2(object, level, format, args, line, sizeof(line), &print_prefix);
        g_strchomp(line);
        rv_debug("catalog.libav", RV_S("message", line));
}

void probe_init(void) {
        av_log_set_callback(log_libav);
        av_max_alloc(MAX_ALLOCATION); /* INV-CATALOG-003 */
}

static int interrupted(void *user) {
        const Probe *probe = user;
        return atomic_load(probe->stop) || rv_clock_mono_ns(probe->clock) > probe->deadline_ns; /* INV-CATALOG-003 */
}

static void probe_clear(Probe *probe) {
        avcodec_free_context(&probe->decoder);
        avformat_close_input(&probe->format);
        av_packet_free(&probe->packet);
        av_frame_free(&probe->frame);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Probe, probe_clear)

G_GNUC_PRINTF(3, 4) static ProbeResult refuse(Probe *probe, ProbeResult result, const char *format, ...) {
        if (atomic_load(probe->stop))
                return PROBE_STOPPED;
        Asset *asset = probe->asset;
        g_free(asset->reason);
        if (rv_clock_mono_ns(probe->clock) > probe->deadline_ns) {
                asset->reason =
                        g_strdup_printf("It could not be measured within %d seconds.", (int)(TIME_LIMIT_NS / NS_PER_S));
                return PROBE_RETRY;
        }
        va_list args;
        va_start(args, format);
        asset->reason = g_strdup_vprintf(format, args);
        va_end(args);
        return result;
}

static ProbeResult refuse_open(Probe *probe, int error) {
        char text[AV_ERROR_MAX_STRING_SIZE];
        switch (error) {
        case AVERROR_INVALIDDATA:
        case AVERROR_EOF:
        case AVERROR(EINVAL):
                return refuse(probe, PROBE_REFUSED, "It is not a video file that can be read (or it is damaged).");
        default:
                return refuse(probe, PROBE_RETRY, "It cannot be opened: %s.",
                              av_make_error_string(text, sizeof(text), error));
        }
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static ProbeResult open_container(Probe *probe) {
        probe->packet = av_packet_alloc();
        probe->frame = av_frame_alloc();
        g_assert(probe->packet && probe->frame);
        const int error = media_open(probe->asset->uri, (AVIOInterruptCB){interrupted, probe}, &probe->format);
        if (error < 0)
                return refuse_open(probe, error);
        if (avformat_find_stream_info(probe->format, NULL) < 0)
                return refuse(probe, PROBE_REFUSED, "Its streams cannot be read: the file is damaged or incomplete.");
        return PROBE_OK;
}

static ProbeResult choose_streams(Probe *probe) {
        AVFormatContext *format = probe->format;
        probe->video = media_find_video(format);
        probe->audio = media_find_audio(format, probe->video);
        if (probe->video < 0)
                return probe->audio < 0 ? refuse(probe, PROBE_REFUSED, "It has neither pictures nor sound.")
                                        : refuse(probe, PROBE_REFUSED, "It has no pictures, only sound.");
        const AVCodecParameters *video = format->streams[probe->video]->codecpar;
        if (video->width > MEDIA_MAX_SIDE || video->height > MEDIA_MAX_SIDE)
                return refuse(probe, PROBE_REFUSED, "Its pictures are too large (%d x %d; at most %d either way).",
                              video->width, video->height, MEDIA_MAX_SIDE);
        media_keep_streams(format, probe->video, probe->audio);
        return PROBE_OK;
}

static ProbeResult open_decoder(Probe *probe) {
        const AVStream *stream = probe->format->streams[probe->video];
        const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
        if (!codec)
                return refuse(probe, PROBE_REFUSED, "Its pictures are in a format that cannot be decoded (%s).",
                              avcodec_get_name(stream->codecpar->codec_id));
        probe->decoder = media_decoder(stream);
        if (!probe->decoder)
                return refuse(probe, PROBE_REFUSED, "Its pictures (%s) cannot be decoded.", codec->name);
        return PROBE_OK;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static int64_t start_us(const Probe *probe) {
        return media_start_us(probe->format);
}

static void note_packet(Probe *probe, const AVPacket *packet) {
        if (packet->stream_index == probe->video)
                media_track_note(&probe->video_track, probe->format, packet);
        else if (packet->stream_index == probe->audio)
                media_track_note(&probe->audio_track, probe->format, packet);
}

static void receive_picture(Probe *probe) {
        if (avcodec_receive_frame(probe->decoder, probe->frame) < 0)
                return;
        probe->picture = probe->frame->width > 0 && probe->frame->height > 0;
        probe->asset->width = probe->frame->width;
        probe->asset->height = probe->frame->height;
        av_frame_unref(probe->frame);
}

/* packet NULL: no more will come, what the decoder holds back is wanted. */
static void try_decode(Probe *probe, const AVPacket *packet) {
        if (probe->picture || (packet && packet->stream_index != probe->video))
                return;
        probe->n_tried++;
        (void)avcodec_send_packet(probe->decoder, packet); /* a damaged packet: the next may be good */
        receive_picture(probe);
}

typedef enum { READ_TO_FIRST_PICTURE, READ_TO_END } ReadGoal;

/* Reads on from where the file is. Damage is an end: what lies behind it cannot be played. */
static void read_packets(Probe *probe, ReadGoal goal) {
        while (!interrupted(probe) && av_read_frame(probe->format, probe->packet) >= 0) {
                note_packet(probe, probe->packet);
                if (probe->n_tried < FIRST_PICTURE_PACKETS)
                        try_decode(probe, probe->packet);
                av_packet_unref(probe->packet);
                const bool enough = probe->picture || probe->n_tried >= FIRST_PICTURE_PACKETS;
                if (goal == READ_TO_FIRST_PICTURE && enough)
                        return;
        }
        try_decode(probe, NULL);
}

static int64_t header_ms(const Probe *probe) {
        return probe->format->duration == AV_NOPTS_VALUE ? 0 : probe->format->duration / 1000;
}

/* From the first instant of the file to the end of its last picture or sound, as far as it was read. */
static int64_t measured_ms(const Probe *probe) {
        const int64_t end_us = MAX(probe->video_track.end_us, probe->audio_track.end_us);
        return end_us == INT64_MIN ? 0 : (end_us - start_us(probe)) / 1000;
}

static bool worth_a_seek(const Probe *probe) {
        const int64_t size = probe->format->pb ? avio_size(probe->format->pb) : 0;
        return size > READ_WHOLE_BYTES && header_ms(probe) > 3 * TAIL_US / 1000;
}

/* Reads only the last seconds. False: the file does not seek, or does not end where its header says. */
static bool read_tail(Probe *probe) {
        const int64_t target_us = start_us(probe) + probe->format->duration - TAIL_US;
        const uint64_t before = probe->video_track.n_packets;
        probe->video_track.end_us = probe->audio_track.end_us = target_us; /* a leap that is asked for */
        if (av_seek_frame(probe->format, -1, target_us, AVSEEK_FLAG_BACKWARD) < 0)
                return false;
        read_packets(probe, READ_TO_END);
        return probe->video_track.n_packets > before && llabs(measured_ms(probe) - header_ms(probe)) <= TOLERANCE_MS;
}

/* Raw streams have no timestamps at all: as many pictures as there were, at the rate they say. */
static int64_t counted_ms(const Probe *probe) {
        return (int64_t)probe->video_track.n_packets * media_frame_us(probe->format->streams[probe->video]) / 1000;
}

static void read_all(Probe *probe) {
        read_packets(probe, READ_TO_FIRST_PICTURE);
        if (worth_a_seek(probe)) {
                if (read_tail(probe))
                        return;
                (void)av_seek_frame(probe->format, -1, start_us(probe), AVSEEK_FLAG_BACKWARD);
                probe->video_track = probe->audio_track = (MediaTrack){.end_us = INT64_MIN};
        }
        read_packets(probe, READ_TO_END);
}

/* INV-ASSET-DURATION-CONTRACTUAL-TRUTH-001: what was read counts, not what the header claims. */
static ProbeResult measure(Probe *probe) {
        read_all(probe);
        if (interrupted(probe))
                return refuse(probe, PROBE_RETRY, "It could not be read to its end.");
        const int io_error = probe->format->pb ? probe->format->pb->error : 0;
        if (io_error < 0 && io_error != AVERROR_EOF)
                return refuse(probe, PROBE_RETRY, "It could not be read to its end: %s.",
                              g_strerror(AVUNERROR(io_error)));
        if (!probe->picture)
                return refuse(probe, PROBE_REFUSED, "Not one of its pictures could be decoded: the file is damaged.");
        int64_t duration_ms = measured_ms(probe);
        if (duration_ms <= 0)
                duration_ms = counted_ms(probe);
        if (duration_ms <= 0)
                return refuse(probe, PROBE_REFUSED, "It has no length that could be measured.");
        if (duration_ms > MAX_DURATION_MS)
                return refuse(probe, PROBE_REFUSED,
                              "It claims to last longer than 48 hours: its timestamps are broken.");
        probe->asset->duration_ms = duration_ms;
        return PROBE_OK;
}

/* --- what was learned -------------------------------------------------------------------------------------------- */

/* The nominal rate where the mean agrees with it to a thousandth: 30000/1001, not 29.97003. */
static RvRational rate_of(const AVStream *stream) {
        const AVRational nominal = stream->r_frame_rate, mean = stream->avg_frame_rate;
        AVRational rate = mean.num > 0 && mean.den > 0 ? mean : nominal;
        if (rate.num <= 0 || rate.den <= 0)
                return (RvRational){0, 1};
        if (nominal.num > 0 && nominal.den > 0) {
                const double ratio = av_q2d(rate) / av_q2d(nominal);
                if (ratio > 0.999 && ratio < 1.001)
                        rate = nominal;
        }
        av_reduce(&rate.num, &rate.den, rate.num, rate.den, 1000000);
        return (RvRational){rate.num, rate.den};
}

static int compare_ms(const void *a, const void *b) {
        const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
        return (left > right) - (left < right);
}

/* INV-ASSET-MARKER-BOUNDS-001: strictly inside, rising, none twice. */
static void take_chapters(Probe *probe) {
        const AVFormatContext *format = probe->format;
        Asset *asset = probe->asset;
        const uint32_t n = MIN(format->nb_chapters, MAX_CHAPTERS);
        g_autofree int64_t *starts = g_new0(int64_t, n + 1);
        for (uint32_t i = 0; i < n; i++) {
                const AVChapter *chapter = format->chapters[i];
                const int64_t at_us = av_rescale_q(chapter->start, chapter->time_base, AV_TIME_BASE_Q);
                starts[i] = (at_us - start_us(probe)) / 1000;
        }
        qsort(starts, n, sizeof(*starts), compare_ms);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < n; i++)
                if (starts[i] > 0 && starts[i] < asset->duration_ms && (kept == 0 || starts[i] > starts[kept - 1]))
                        starts[kept++] = starts[i];
        g_free(asset->chapter_ms);
        asset->chapter_ms = g_steal_pointer(&starts);
        asset->n_chapters = kept;
}

static void take_streams(Probe *probe) {
        Asset *asset = probe->asset;
        const AVStream *video = probe->format->streams[probe->video];
        asset->has_video = true;
        asset->video_codec = g_strdup(avcodec_get_name(video->codecpar->codec_id));
        asset->rate = rate_of(video);
        asset->has_audio = probe->audio >= 0 && probe->audio_track.n_packets > 0;
        if (asset->has_audio) {
                const AVStream *audio = probe->format->streams[probe->audio];
                asset->audio_codec = g_strdup(avcodec_get_name(audio->codecpar->codec_id));
        }
}

/* INV-ASSET-REPROBE-RESETS-APPROVAL-001 */
void probe_forget(Asset *asset) {
        g_clear_pointer(&asset->reason, g_free);
        g_clear_pointer(&asset->video_codec, g_free);
        g_clear_pointer(&asset->audio_codec, g_free);
        g_clear_pointer(&asset->chapter_ms, g_free);
        asset->n_chapters = 0;
        asset->duration_ms = 0;
        asset->width = asset->height = 0;
        asset->rate = (RvRational){0, 1};
        asset->has_video = asset->has_audio = false;
        asset->gain_millibel = 0;
        asset->approved = false;
}

ProbeResult probe_file(Asset *asset, RvClock *clock, const atomic_bool *stop) {
        probe_forget(asset);
        g_auto(Probe) probe = {
                .asset = asset,
                .clock = clock,
                .stop = stop,
                .deadline_ns = rv_clock_mono_ns(clock) + TIME_LIMIT_NS,
                .video_track = {.end_us = INT64_MIN},
                .audio_track = {.end_us = INT64_MIN},
        };
        static ProbeResult (*const steps[])(Probe *) = {open_container, choose_streams, open_decoder, measure};
        for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
                const ProbeResult result = steps[i](&probe);
                if (result != PROBE_OK) {
                        asset->width = asset->height = 0;
                        return result;
                }
        }
        take_streams(&probe);
        take_chapters(&probe);
        return PROBE_OK;
}
