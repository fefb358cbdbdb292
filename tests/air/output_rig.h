/* An output, a reader on its socket, and pictures to push: the encoders are the real ones. */
#pragma once

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "air/output/output.h"
#include "proto/ts/ts_reader.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define LEAD_TICKS 3

/* Pictures the encoder has done with; it is told on GStreamer's threads. Protected by lock. */
typedef struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        int64_t n;
} Released;

typedef struct {
        Released *released;
} Token;

typedef struct {
        char *dir, *path;
        int listener, fd;
        OutputOptions options;
        Output *output;
        TsReader *reader;
        GByteArray *stream; /* what was read */
        GArray *asked;      /* bool a picture: an IDR was asked for */
        uint64_t unseen;    /* pushes that were told not to be shown */
        uint8_t *pictures[2];
        size_t picture_bytes;
        float *samples; /* what every tick sounds like; silence unless a test writes it */
        int64_t first_tick, next_tick;
        int64_t captions_end; /* pictures of ticks before it say in captions which they are */
        Released released;
        atomic_int failures;
} Rig;

static inline HouseFormat format_of(int32_t width, int32_t height, int32_t num, int32_t den) {
        HouseFormat format = house_format_default();
        format.width = width;
        format.height = height;
        format.rate = (RvRational){num, den};
        format.video_bitrate_kbps = 1000;
        return format;
}

static inline void on_failed(void *user, const char *detail) {
        Rig *rig = user;
        g_assert(detail);
        atomic_fetch_add(&rig->failures, 1);
}

static inline void listen_at(Rig *rig) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_strlcpy(address.sun_path, rig->path, sizeof(address.sun_path));
        rig->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(rig->listener >= 0);
        assert_int_equal(bind(rig->listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(rig->listener, 4), 0);
}

static inline void fill_pictures(Rig *rig) {
        uint32_t noise = 1;
        for (size_t p = 0; p < G_N_ELEMENTS(rig->pictures); p++) {
                rig->pictures[p] = g_malloc(rig->picture_bytes);
                for (size_t i = 0; i < rig->picture_bytes; i++) {
                        noise = noise * 1664525 + 1013904223;
                        rig->pictures[p][i] = (uint8_t)(16 + (noise >> 24) % 220);
                }
        }
}

/* style: borrowed; NULL: the usual one. */
static inline Rig *rig_new_of(HouseFormat format, size_t ring_bytes, const HouseStyle *style) {
        Rig *rig = g_new0(Rig, 1);
        rig->dir = temp_dir_new();
        rig->path = g_build_filename(rig->dir, "ts.sock", NULL);
        listen_at(rig);
        rig->fd = -1;
        rig->options = (OutputOptions){.format = format,
                                       .style = style,
                                       .lead_ticks = LEAD_TICKS,
                                       .ring_bytes = ring_bytes,
                                       .on_failed = on_failed,
                                       .user = rig};
        g_autoptr(GError) error = NULL;
        rig->output = output_new(&rig->options, &error);
        assert_non_null(rig->output);
        rig->reader = ts_reader_new();
        rig->stream = g_byte_array_new();
        rig->asked = g_array_new(FALSE, FALSE, sizeof(bool));
        rig->picture_bytes = house_picture_layout(format.width, format.height).size;
        fill_pictures(rig);
        rig->samples = g_new0(float, (48000 / 10 + 1) * 2);
        pthread_mutex_init(&rig->released.lock, NULL);
        pthread_cond_init(&rig->released.changed, NULL);
        return rig;
}

static inline Rig *rig_new(HouseFormat format, size_t ring_bytes) {
        return rig_new_of(format, ring_bytes, NULL);
}

static inline void rig_attach(Rig *rig) {
        g_autoptr(GError) error = NULL;
        assert_true(output_attach(rig->output, rig->path, &error));
        rig->fd = accept(rig->listener, NULL, NULL);
        assert_true(rig->fd >= 0);
}

/* Reads what there is, waiting for it when wait. False at the end of the stream. */
static inline bool rig_read(Rig *rig, bool wait) {
        uint8_t data[65536];
        struct pollfd polled = {.fd = rig->fd, .events = POLLIN};
        while (poll(&polled, 1, wait ? -1 : 0) > 0) {
                const ssize_t n = read(rig->fd, data, sizeof(data));
                if (n <= 0)
                        return false;
                ts_reader_feed(rig->reader, data, (size_t)n);
                g_byte_array_append(rig->stream, data, (guint)n);
                wait = false;
        }
        return true;
}

static inline void release(void *user) {
        g_autofree Token *token = user;
        pthread_mutex_lock(&token->released->lock);
        token->released->n++;
        pthread_cond_signal(&token->released->changed);
        pthread_mutex_unlock(&token->released->lock);
}

static inline void push(Rig *rig, bool idr) {
        const HouseFormat *format = &rig->options.format;
        const int64_t tick = rig->next_tick++;
        const uint8_t captions[] = {0xfc, (uint8_t)(0x20 + tick / 64), (uint8_t)(0x20 + tick % 64)};
        Token *token = g_new(Token, 1);
        token->released = &rig->released;
        const OutputFrame frame = {
                .tick = tick,
                .data = rig->pictures[tick % 2],
                .size = rig->picture_bytes,
                .picture = token,
                .release = release,
                .samples = rig->samples,
                .n_samples = (uint32_t)(rv_tick_to_sample(tick + 1, format->rate, format->sample_rate_hz) -
                                        rv_tick_to_sample(tick, format->rate, format->sample_rate_hz)),
                .captions = captions,
                .captions_size = tick < rig->captions_end ? sizeof(captions) : 0,
                .idr = idr,
        };
        g_array_append_val(rig->asked, idr);
        rig->unseen += !output_push(rig->output, &frame);
}

/*
 * As fast as the encoders go and no faster: never so far ahead that one would be behind, or that the little time which
 * output_free gives them would not do. The multiplexer waits for sound, which AAC keeps back for 64 ms.
 */
static inline void push_paced(Rig *rig, bool idr) {
        push(rig, idr);
        const int64_t ahead = LEAD_TICKS + 3 + 7 * rig->options.format.rate.num / rig->options.format.rate.den / 100;
        pthread_mutex_lock(&rig->released.lock);
        while (rig->released.n < rig->next_tick - rig->first_tick - ahead)
                pthread_cond_wait(&rig->released.changed, &rig->released.lock);
        pthread_mutex_unlock(&rig->released.lock);
}

static inline void run(Rig *rig, int64_t n_ticks, int64_t gop) {
        for (int64_t i = 0; i < n_ticks; i++) {
                push_paced(rig, rig->next_tick % gop == 0);
                if (rig->fd >= 0)
                        assert_true(rig_read(rig, false));
        }
}

static inline const TsPicture *picture(Rig *rig, guint i) {
        return &g_array_index(rig->reader->pictures, TsPicture, i);
}

/* Ends the output, and reads to the end what its reader still gets. */
static inline void end_output(Rig *rig) {
        g_clear_pointer(&rig->output, output_free);
        if (rig->fd >= 0)
                while (rig_read(rig, true))
                        ;
        ts_reader_end(rig->reader);
}

/* INV-OUTPUT-007 holds in every test: each picture pushed has been released, once (its token is freed with it). */
static inline void rig_free(Rig *rig) {
        g_clear_pointer(&rig->output, output_free);
        assert_int_equal(rig->released.n, rig->next_tick - rig->first_tick);
        if (rig->fd >= 0)
                close(rig->fd);
        close(rig->listener);
        ts_reader_free(rig->reader);
        g_byte_array_unref(rig->stream);
        g_array_unref(rig->asked);
        g_free(rig->pictures[0]);
        g_free(rig->pictures[1]);
        g_free(rig->samples);
        temp_dir_free(rig->dir);
        g_free(rig->path);
        pthread_mutex_destroy(&rig->released.lock);
        pthread_cond_destroy(&rig->released.changed);
        g_free(rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rig, rig_free)

static inline void assert_stream(Rig *rig, TsExpectation expectation) {
        g_autofree char *wrong = ts_reader_check(rig->reader, rig->options.format.rate, rig->first_tick, expectation);
        if (wrong)
                fail_msg("%s", wrong);
        assert_int_equal(rig->failures, 0);
}

static inline void run_whole(Rig *rig, int64_t first_tick, int64_t n_ticks, int64_t gop) {
        rig->first_tick = rig->next_tick = first_tick;
        rig_attach(rig);
        run(rig, n_ticks, gop);
        end_output(rig);
        assert_stream(rig, TS_UNBROKEN);
        assert_int_equal(rig->reader->pictures->len, n_ticks);
        assert_int_equal(picture(rig, 0)->tables_packet, 0);
}
