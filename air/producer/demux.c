#include "air/producer/demux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "air/producer/shortage.h"
#include "air/producer/track/stream.h"
#include "proto/base/containers.h"
#include "proto/base/log.h"

#define IO_BUFFER_BYTES (64 * 1024)

/* A disk or a network may fail once. What is lost for good is the file's end: a demuxer that was let go on would pass
 * over the hole, and what it makes of the rest would look like all of it. */
#define READ_TRIES 3

/* How far one stream is read in search of the other's next packet. */
#define REACH_US (10 * G_USEC_PER_SEC)
#define REACH_BYTES (32 * 1024 * 1024)

/* Subtitles or captions that nobody takes: the oldest go. */
#define WAITING_MOST 2000
#define WAITING_BYTES (16 * 1024 * 1024)

/* How far back something may have begun that is still to be read on the screen; so much is read for it at most. */
#define LOOK_BACK_US (30 * G_USEC_PER_SEC)
#define LOOK_BACK_BYTES (48 * 1024 * 1024)

/* A step of stamps by more is a splice, in formats that may be spliced. */
#define STEP_BACK_US G_USEC_PER_SEC
#define STEP_ON_US (10 * G_USEC_PER_SEC)

typedef struct {
        AVStream *stream;
        GQueue packets; /* of AVPacket */
        size_t bytes;
        int64_t shift_us; /* that mends the splices so far */
        int64_t next_us;  /* where the next packet is expected, mended; AV_NOPTS_VALUE: anywhere */
} Lane;

struct Demux {
        int fd;
        const atomic_bool *abort;
        AVIOContext *io;
        AVFormatContext *format;
        Lane lanes[DEMUX_N_STREAMS];
        AVPacket *packet;
        bool ended;
        int error;
        int read_error; /* AVERROR of a read that failed for good; 0: none has */
};

static void log_from_libav(void *context, int level, const char *format, va_list arguments) {
        if (level > AV_LOG_WARNING || !rv_log_enabled(RV_LOG_DEBUG))
                return;
        char line[512];
        int print_prefix = 1;
        (void)av_log_format_line2(context, level, format, arguments, line, sizeof(line), &print_prefix);
        rv_debug("producer.libav", RV_S("message", g_strchomp(line)));
}

static void route_libav_log(void) {
        static gsize done;
        if (g_once_init_enter(&done)) {
                av_log_set_callback(log_from_libav);
                g_once_init_leave(&done, 1);
        }
}

static int is_aborted(void *user) {
        const Demux *demux = user;
        return atomic_load(demux->abort);
}

/* INV-PRODUCER-006 */
static int read_bytes(void *user, uint8_t *into, int size) {
        Demux *demux = user;
        if (is_aborted(demux))
                return AVERROR_EXIT;
        if (demux->read_error)
                return demux->read_error;
        ssize_t n = -1;
        for (int i = 0; n < 0 && i < READ_TRIES; i++)
                n = TEMP_FAILURE_RETRY(read(demux->fd, into, (size_t)size));
        if (n < 0)
                demux->read_error = AVERROR(errno);
        return n < 0 ? demux->read_error : n == 0 ? AVERROR_EOF : (int)n;
}

static int64_t seek_bytes(void *user, int64_t offset, int whence) {
        Demux *demux = user;
        if (whence & AVSEEK_SIZE) {
                struct stat st;
                return fstat(demux->fd, &st) < 0 ? AVERROR(errno) : st.st_size;
        }
        const off_t at = lseek(demux->fd, offset, whence & ~AVSEEK_FORCE);
        return at < 0 ? AVERROR(errno) : at;
}

/* INV-PRODUCER-007: a playlist's entries, a concat script's files, a network address: not asked for by the plan */
static int refuse_nested(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                         AVDictionary **options) {
        return AVERROR(EPERM);
}

/* O_NONBLOCK: opening a FIFO that nobody writes would hang, and could not be interrupted. */
static int open_regular(const char *path, Fault *fault) {
        const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) {
                fault_set(fault, errno == ENOENT ? "NOT_FOUND" : "OPEN_FAILED", "%s: %s", path, g_strerror(errno));
                return -1;
        }
        struct stat st;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) /* INV-PRODUCER-007 */
                return fd;
        fault_set(fault, "NOT_A_FILE", "%s is not a regular file", path);
        close(fd);
        return -1;
}

static bool open_format(Demux *demux, const char *path, Fault *fault) {
        uint8_t *buffer = av_malloc(IO_BUFFER_BYTES);
        demux->io = avio_alloc_context(buffer, IO_BUFFER_BYTES, 0, demux, read_bytes, NULL, seek_bytes);
        demux->format = avformat_alloc_context();
        demux->packet = av_packet_alloc();
        g_assert(buffer && demux->io && demux->format && demux->packet);
        demux->format->pb = demux->io;
        demux->format->flags |= AVFMT_FLAG_CUSTOM_IO;
        demux->format->io_open = refuse_nested;
        demux->format->protocol_whitelist = av_strdup("none");   /* some formats go past io_open to the network */
        demux->format->format_whitelist = av_strdup(CONTAINERS); /* INV-PRODUCER-007 */
        demux->format->interrupt_callback = (AVIOInterruptCB){is_aborted, demux};

        /* Frees the context when it fails. */
        int error = shortage_look(avformat_open_input(&demux->format, path, NULL, NULL));
        if (error >= 0)
                error = shortage_look(avformat_find_stream_info(demux->format, NULL));
        if (error >= 0)
                return true;
        const char *why = error == AVERROR(EINVAL) ? "no kind of film or sound that is played" : av_err2str(error);
        fault_set(fault, "OPEN_FAILED", "%s: %s", path, why);
        return false;
}

static AVStream *stream_at(AVFormatContext *format, int index) {
        if (index < 0 || format->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC)
                return NULL;
        return format->streams[index];
}

/* Line 21 in a track of its own: the first one there is. */
static AVStream *captions_of(AVFormatContext *format) {
        for (unsigned i = 0; i < format->nb_streams; i++)
                if (format->streams[i]->codecpar->codec_id == AV_CODEC_ID_EIA_608)
                        return format->streams[i];
        return NULL;
}

static bool choose_streams(Demux *demux, const DemuxOptions *options, Fault *fault) {
        AVFormatContext *format = demux->format;
        const char *path = options->path;
        char *const *wishes = options->style ? options->style->sound_languages : NULL;
        AVStream *video = stream_at(format, av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0));
        AVStream *audio = stream_at(format, track_sound_of(format, wishes));
        for (unsigned i = 0; i < format->nb_streams; i++)
                format->streams[i]->discard = AVDISCARD_ALL;
        if (video)
                video->discard = AVDISCARD_DEFAULT;
        if (audio)
                audio->discard = AVDISCARD_DEFAULT;
        AVStream *captions = video ? captions_of(format) : NULL;
        if (captions)
                captions->discard = AVDISCARD_DEFAULT;
        demux->lanes[DEMUX_CAPTIONS].stream = captions;
        demux->lanes[DEMUX_VIDEO].stream = video;
        demux->lanes[DEMUX_AUDIO].stream = audio;
        if (!video && !audio)
                fault_set(fault, "NO_STREAMS", "%s has neither pictures nor sound", path);
        return video || audio;
}

Demux *demux_open(const DemuxOptions *options, Fault *fault) {
        const int fd = open_regular(options->path, fault);
        if (fd < 0)
                return NULL;
        route_libav_log();
        g_autoptr(Demux) demux = g_new0(Demux, 1);
        demux->fd = fd;
        demux->abort = options->abort;
        for (int i = 0; i < DEMUX_N_STREAMS; i++) {
                g_queue_init(&demux->lanes[i].packets);
                demux->lanes[i].next_us = AV_NOPTS_VALUE;
        }
        if (!open_format(demux, options->path, fault) || !choose_streams(demux, options, fault))
                return NULL;
        return g_steal_pointer(&demux);
}

static void clear_lane(Lane *lane) {
        AVPacket *packet;
        while ((packet = g_queue_pop_head(&lane->packets)))
                av_packet_free(&packet);
        lane->bytes = 0;
        lane->shift_us = 0;
        lane->next_us = AV_NOPTS_VALUE;
}

void demux_free(Demux *demux) {
        if (!demux)
                return;
        for (int i = 0; i < DEMUX_N_STREAMS; i++)
                clear_lane(&demux->lanes[i]);
        av_packet_free(&demux->packet);
        avformat_close_input(&demux->format);
        if (demux->io)
                av_freep(&demux->io->buffer);
        avio_context_free(&demux->io);
        close(demux->fd);
        g_free(demux);
}

AVStream *demux_stream(const Demux *demux, DemuxStream which) {
        return demux->lanes[which].stream;
}

AVFormatContext *demux_format(const Demux *demux) {
        return demux->format;
}

int demux_error(const Demux *demux) {
        return demux->error;
}

void demux_drop(Demux *demux, DemuxStream which) {
        Lane *lane = &demux->lanes[which];
        if (!lane->stream)
                return;
        lane->stream->discard = AVDISCARD_ALL;
        lane->stream = NULL;
        clear_lane(lane);
}

static int64_t packet_us(const Lane *lane, const AVPacket *packet) {
        const int64_t stamp = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
        if (stamp == AV_NOPTS_VALUE)
                return AV_NOPTS_VALUE;
        return av_rescale_q(stamp, lane->stream->time_base, AV_TIME_BASE_Q);
}

static bool reaches_far(Lane *lane) {
        if (lane->bytes > REACH_BYTES)
                return true;
        if (g_queue_get_length(&lane->packets) < 2)
                return false;
        const int64_t first = packet_us(lane, g_queue_peek_head(&lane->packets));
        const int64_t last = packet_us(lane, g_queue_peek_tail(&lane->packets));
        return first != AV_NOPTS_VALUE && last != AV_NOPTS_VALUE && last - first > REACH_US;
}

static Lane *lane_of(Demux *demux, const AVPacket *packet) {
        for (int i = 0; i < DEMUX_N_STREAMS; i++)
                if (demux->lanes[i].stream && demux->lanes[i].stream->index == packet->stream_index)
                        return &demux->lanes[i];
        return NULL;
}

static void shift_stamps(AVPacket *packet, int64_t shift) {
        if (packet->pts != AV_NOPTS_VALUE)
                packet->pts += shift;
        if (packet->dts != AV_NOPTS_VALUE)
                packet->dts += shift;
}

static bool is_splice(const Lane *lane, int64_t us) {
        return us < lane->next_us - STEP_BACK_US || us > lane->next_us + STEP_ON_US;
}

/*
 * Recordings of transport streams are joined and cut without new stamps. The first stream to meet the splice goes on
 * where it was; the other follows by the same amount, so that sound and pictures stay together.
 */
static void mend(Demux *demux, Lane *lane, AVPacket *packet) {
        const int64_t us = packet_us(lane, packet);
        if (!(demux->format->iformat->flags & AVFMT_TS_DISCONT) || us == AV_NOPTS_VALUE)
                return;
        if (lane->next_us != AV_NOPTS_VALUE && is_splice(lane, us + lane->shift_us)) {
                const Lane *other = &demux->lanes[lane == &demux->lanes[DEMUX_VIDEO] ? DEMUX_AUDIO : DEMUX_VIDEO];
                lane->shift_us = is_splice(lane, us + other->shift_us) ? lane->next_us - us : other->shift_us;
        }
        const AVRational base = lane->stream->time_base;
        lane->next_us = us + lane->shift_us + av_rescale_q(packet->duration, base, AV_TIME_BASE_Q);
        shift_stamps(packet, av_rescale_q(lane->shift_us, AV_TIME_BASE_Q, base));
}

/* INV-PRODUCER-009: subtitles and captions belong to the pictures around them, and wait for them in bounded space. */
static void take_waiting(Demux *demux, Lane *lane, AVPacket *packet) {
        const int64_t shift_us = demux->lanes[DEMUX_VIDEO].shift_us;
        shift_stamps(packet, av_rescale_q(shift_us, AV_TIME_BASE_Q, lane->stream->time_base));
        while (g_queue_get_length(&lane->packets) >= WAITING_MOST ||
               (lane->bytes > WAITING_BYTES && !g_queue_is_empty(&lane->packets))) {
                AVPacket *oldest = g_queue_pop_head(&lane->packets);
                lane->bytes -= (size_t)oldest->size;
                av_packet_free(&oldest);
        }
}

/* False at the end of the file, for whatever reason. */
static bool read_one(Demux *demux) {
        const int result = shortage_look(av_read_frame(demux->format, demux->packet));
        if (result < 0) {
                demux->ended = true;
                if (demux->read_error)
                        demux->error = demux->read_error; /* some formats call it the end */
                else if (result != AVERROR_EOF && !is_aborted(demux))
                        demux->error = result;
                return false;
        }
        Lane *lane = lane_of(demux, demux->packet);
        if (lane) {
                AVPacket *packet = av_packet_alloc();
                g_assert(packet);
                av_packet_move_ref(packet, demux->packet);
                lane->bytes += (size_t)packet->size;
                if (lane >= &demux->lanes[DEMUX_SUBTITLES])
                        take_waiting(demux, lane, packet);
                else
                        mend(demux, lane, packet);
                g_queue_push_tail(&lane->packets, packet);
        }
        av_packet_unref(demux->packet);
        return true;
}

static bool pop(Lane *lane, AVPacket *into) {
        AVPacket *packet = g_queue_pop_head(&lane->packets);
        if (!packet)
                return false;
        lane->bytes -= (size_t)packet->size;
        av_packet_unref(into);
        av_packet_move_ref(into, packet);
        av_packet_free(&packet);
        return true;
}

DemuxResult demux_read(Demux *demux, DemuxStream which, AVPacket *into) {
        Lane *lane = &demux->lanes[which];
        Lane *other = &demux->lanes[which == DEMUX_VIDEO ? DEMUX_AUDIO : DEMUX_VIDEO];
        while (lane->stream && g_queue_is_empty(&lane->packets) && !demux->ended) {
                if (reaches_far(other)) /* INV-PRODUCER-009 */
                        return DEMUX_NOT_NEAR;
                (void)read_one(demux);
        }
        return !is_aborted(demux) && pop(lane, into) ? DEMUX_PACKET : DEMUX_END;
}

bool demux_peek_pts(Demux *demux, DemuxStream which, int64_t *ret_pts) {
        const AVPacket *packet = g_queue_peek_head(&demux->lanes[which].packets);
        if (!packet || packet->pts == AV_NOPTS_VALUE)
                return false;
        *ret_pts = packet->pts;
        return true;
}

bool demux_seek_us(Demux *demux, int64_t container_us) {
        const AVStream *stream = demux->lanes[DEMUX_VIDEO].stream;
        if (!stream)
                stream = demux->lanes[DEMUX_AUDIO].stream;
        const int64_t at = av_rescale_q(container_us, AV_TIME_BASE_Q, stream->time_base);
        demux->read_error = 0; /* elsewhere it may be readable */
        if (shortage_look(avformat_seek_file(demux->format, stream->index, INT64_MIN, at, at, 0)) < 0)
                return false;
        for (int i = 0; i < DEMUX_N_STREAMS; i++)
                clear_lane(&demux->lanes[i]);
        demux->ended = false;
        demux->error = 0;
        return true;
}

void demux_use_subtitles(Demux *demux, int index) {
        AVStream *stream = demux->format->streams[index];
        stream->discard = AVDISCARD_DEFAULT;
        demux->lanes[DEMUX_SUBTITLES].stream = stream;
}

bool demux_waiting(Demux *demux, DemuxStream which, AVPacket *into) {
        return pop(&demux->lanes[which], into);
}

static int64_t look_back_us(const Demux *demux) {
        const int64_t bits = demux->format->bit_rate;
        if (bits <= 0)
                return LOOK_BACK_US;
        return MIN(LOOK_BACK_US, av_rescale(LOOK_BACK_BYTES, 8 * G_USEC_PER_SEC, bits));
}

/* The pictures are passed over, being read only to know how far it is. */
static bool pass_pictures(Lane *video, int64_t until_us, size_t *bytes) {
        bool before = true;
        AVPacket *packet;
        while ((packet = g_queue_pop_head(&video->packets))) {
                const int64_t us = packet_us(video, packet);
                before = us == AV_NOPTS_VALUE || us < until_us;
                *bytes += (size_t)packet->size;
                av_packet_free(&packet);
        }
        video->bytes = 0;
        return before && *bytes < 2 * (size_t)LOOK_BACK_BYTES;
}

void demux_look_back(Demux *demux, int64_t container_us) {
        Lane *video = &demux->lanes[DEMUX_VIDEO], *audio = &demux->lanes[DEMUX_AUDIO];
        if (!video->stream || !demux_seek_us(demux, container_us - look_back_us(demux)))
                return;
        AVStream *sound = g_steal_pointer(&audio->stream);
        if (sound)
                sound->discard = AVDISCARD_ALL;
        size_t bytes = 0;
        while (pass_pictures(video, container_us, &bytes) && read_one(demux)) /* INV-PRODUCER-009 */
                ;
        if (sound)
                sound->discard = AVDISCARD_DEFAULT;
        audio->stream = sound;
}
