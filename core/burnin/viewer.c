#include <gio/gio.h>
#include <stdatomic.h>

#include "core/burnin/private.h"
#include "proto/base/thread.h"
#include "proto/ts/ts_reader.h"

#define PACKET 188
#define READ_BYTES (256 * PACKET)
/* A picture is there within 10 s; a stream that was cut by a death is back as soon. */
#define SILENCE_S 60
#define RETRY_NS INT64_C(200000000)

struct Viewer {
        Course *course;
        unsigned index;
        RvRational rate;
        char *path;
        const _Atomic int *port;
        RvThread *thread;
        _Atomic int64_t last_bytes_mono_ns;

        /* The thread's until it is joined. */
        TsReader *reader;
        TsCheck check;
        Stretch *stretch; /* NULL: no picture yet since the reader is new */
        GPtrArray *stretches;
        int64_t bytes;
};

Stretch *stretch_new(int64_t first_tick, int64_t epoch_utc_ms) {
        Stretch *stretch = g_new0(Stretch, 1);
        stretch->first_tick = stretch->end_tick = first_tick;
        stretch->epoch_utc_ms = epoch_utc_ms;
        stretch->idr_ticks = g_array_new(FALSE, FALSE, sizeof(int64_t));
        return stretch;
}

void stretch_free(Stretch *stretch) {
        g_array_unref(stretch->idr_ticks);
        g_free(stretch->fault);
        g_free(stretch);
}

/* take_fault NULL: the viewer leaves. */
static void end_stretch(Viewer *viewer, char *take_fault) {
        if (viewer->stretch)
                viewer->stretch->fault = take_fault;
        else
                g_free(take_fault);
        viewer->stretch = NULL;
        ts_reader_free(viewer->reader);
        viewer->reader = ts_reader_new();
}

/* The stream is met anywhere: it counts from the first picture that decodes by itself. */
static void begin_stretch(Viewer *viewer) {
        GArray *pictures = viewer->reader->pictures;
        guint skip = 0;
        while (skip < pictures->len && !g_array_index(pictures, TsPicture, skip).idr)
                skip++;
        if (skip > 0)
                g_array_remove_range(pictures, 0, skip);
        if (pictures->len == 0) {
                g_array_set_size(viewer->reader->sounds, 0);
                g_array_set_size(viewer->reader->cc_jumps, 0);
                return;
        }
        const int64_t tick = ts_tick_of_pts(g_array_index(pictures, TsPicture, 0).pts, viewer->rate, 0);
        const int64_t epoch = rv_clock_utc_ms(viewer->course->clock) - rv_tick_to_ms(tick, viewer->rate);
        viewer->check = ts_check_begin(viewer->rate, tick, TS_UNBROKEN);
        viewer->stretch = stretch_new(tick, epoch);
        g_ptr_array_add(viewer->stretches, viewer->stretch);
}

static void note_pictures(Viewer *viewer) {
        const GArray *pictures = viewer->reader->pictures;
        for (guint i = 0; i < pictures->len; i++) {
                const int64_t tick = viewer->check.picture_due + i;
                if (g_array_index(pictures, TsPicture, i).idr)
                        g_array_append_val(viewer->stretch->idr_ticks, tick);
        }
}

/* INV-BURNIN-004: time stamps, counters, tables, sound and random access of each packet. False: nobody watches any
 * more. */
static bool take(Viewer *viewer, const uint8_t *data, size_t size) {
        ts_reader_feed(viewer->reader, data, size);
        viewer->bytes += (int64_t)size;
        if (!viewer->stretch)
                begin_stretch(viewer);
        if (!viewer->stretch)
                return !course_is_over(viewer->course);
        Stretch *stretch = viewer->stretch;
        note_pictures(viewer);
        char *fault = ts_check_more(&viewer->check, viewer->reader);
        if (fault) {
                end_stretch(viewer, fault);
                return !course_is_over(viewer->course);
        }
        stretch->end_tick = viewer->check.picture_due;
        return course_note(viewer->course, viewer->index,
                           stretch->epoch_utc_ms + rv_tick_to_ms(stretch->end_tick, viewer->rate));
}

/* Whole packets, whatever the reads bring. False: it is over. */
static bool read_stream(Viewer *viewer, GInputStream *in) {
        g_autofree uint8_t *buffer = g_malloc(READ_BYTES);
        size_t held = 0;
        gssize n;
        while ((n = g_input_stream_read(in, buffer + held, READ_BYTES - held, NULL, NULL)) > 0) {
                atomic_store(&viewer->last_bytes_mono_ns, rv_clock_mono_ns(rv_clock_system()));
                held += (size_t)n;
                const size_t whole = held - held % PACKET;
                if (whole > 0 && !take(viewer, buffer, whole))
                        return false;
                memmove(buffer, buffer + whole, held - whole);
                held -= whole;
        }
        return true;
}

static void watch(void *user) {
        Viewer *viewer = user;
        while (!course_is_over(viewer->course)) {
                g_autoptr(GIOStream) stream = ask_open(atomic_load(viewer->port), viewer->path, SILENCE_S);
                if (stream && !read_stream(viewer, g_io_stream_get_input_stream(stream)))
                        break;
                end_stretch(viewer, g_strdup("the stream ended"));
                rv_clock_sleep_until_mono_ns(rv_clock_system(), rv_clock_mono_ns(rv_clock_system()) + RETRY_NS);
        }
        end_stretch(viewer, NULL);
}

static void viewer_free(Viewer *viewer) {
        ts_reader_free(viewer->reader);
        g_free(viewer->path);
        g_free(viewer);
}

Viewer *viewer_start(Course *course, unsigned index, const ChannelSpec *spec, const _Atomic int *port, GError **error) {
        Viewer *viewer = g_new0(Viewer, 1);
        viewer->course = course;
        viewer->index = index;
        viewer->rate = spec->format.rate;
        viewer->path = g_strdup_printf("/channel/%s.ts", spec->id);
        viewer->port = port;
        viewer->reader = ts_reader_new();
        viewer->stretches = g_ptr_array_new_with_free_func((GDestroyNotify)stretch_free);
        atomic_store(&viewer->last_bytes_mono_ns, rv_clock_mono_ns(rv_clock_system()));
        viewer->thread = rv_thread_start("viewer", RV_PRIORITY_NORMAL, watch, viewer, error);
        if (viewer->thread)
                return viewer;
        g_ptr_array_unref(viewer->stretches);
        viewer_free(viewer);
        return NULL;
}

GPtrArray *viewer_end(Viewer *viewer, int64_t *ret_bytes) {
        rv_thread_join(viewer->thread);
        GPtrArray *stretches = viewer->stretches;
        *ret_bytes = viewer->bytes;
        viewer_free(viewer);
        return stretches;
}

int64_t viewer_last_bytes_mono_ns(const Viewer *viewer) {
        return atomic_load(&viewer->last_bytes_mono_ns);
}
