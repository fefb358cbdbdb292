#include "air/output/mux.h"

#include <gst/app/gstappsink.h>
#include <string.h>

#include "proto/base/error.h"

#define PACKET_SIZE 188
#define PAT_PID 0
#define PICTURE_PID 65
/* In 90 kHz. An interval is compared with > at picture times, so the PCR's is below any frame: one with each picture.
 */
#define PAT_PMT_INTERVAL 6000u
#define SI_INTERVAL 9000u
#define PCR_INTERVAL 1800u

static int packet_pid(const uint8_t *packet) {
        return (packet[1] & 0x1f) << 8 | packet[2];
}

static bool random_access_indicated(const uint8_t *packet) {
        const bool has_adaptation = packet[3] & 0x20;
        return has_adaptation && packet[4] > 0 && (packet[5] & 0x40);
}

static bool is_on(const uint8_t *packet, int pid) {
        return packet_pid(packet) == pid;
}

/* The element puts a message that says nothing on the splices' PID, between the tables and their picture. The new size.
 */
static size_t drop_splice_nulls(uint8_t *data, size_t size) {
        size_t kept = 0;
        for (size_t at = 0; at + PACKET_SIZE <= size; at += PACKET_SIZE) {
                if (is_on(data + at, MUX_SPLICE_PID))
                        continue;
                if (kept < at)
                        memcpy(data + kept, data + at, PACKET_SIZE);
                kept += PACKET_SIZE;
        }
        return kept;
}

static size_t count_pictures(const uint8_t *data, size_t size) {
        size_t n = 0;
        for (size_t at = 0; at + PACKET_SIZE <= size; at += PACKET_SIZE)
                n += is_on(data + at, PICTURE_PID) && data[at + 1] & 0x40;
        return n;
}

/* Offset of the PAT that stands in front of a random access point, or size when there is none. */
static size_t find_random_access(const uint8_t *data, size_t size) {
        size_t pat = size;
        for (size_t at = 0; at + PACKET_SIZE <= size; at += PACKET_SIZE) {
                const int pid = packet_pid(data + at);
                if (pid == PAT_PID && pat == size)
                        pat = at;
                if (pid == PICTURE_PID && random_access_indicated(data + at))
                        return pat;
        }
        return size;
}

static void emit_units(Mux *mux, uint8_t *take_data, size_t size) {
        const size_t random_access = find_random_access(take_data, size);
        if (random_access == 0 || random_access == size) {
                mux->sink.unit(mux->sink.user, take_data, size, random_access == 0 ? MUX_RANDOM_ACCESS : MUX_CONTINUES);
                return;
        }
        uint8_t *rest = g_memdup2(take_data + random_access, size - random_access);
        mux->sink.unit(mux->sink.user, take_data, random_access, MUX_CONTINUES);
        mux->sink.unit(mux->sink.user, rest, size - random_access, MUX_RANDOM_ACCESS);
}

static void emit(Mux *mux, uint8_t *take_data, size_t all) {
        const size_t size = drop_splice_nulls(take_data, all);
        const size_t n_pictures = count_pictures(take_data, size);
        emit_units(mux, take_data, size); /* INV-SIGNALS-006 */
        for (size_t i = 0; i < n_pictures; i++)
                mux->sink.behind_picture(mux->sink.user);
}

static size_t copy_buffers(GstBufferList *list, uint8_t *ret_data, size_t room) {
        size_t size = 0;
        for (guint i = 0; i < gst_buffer_list_length(list); i++)
                size += gst_buffer_extract(gst_buffer_list_get(list, i), 0, ret_data + size, room - size);
        return size;
}

static GstFlowReturn on_sample(GstAppSink *outlet, gpointer user) {
        Mux *mux = user;
        g_autoptr(GstSample) sample = gst_app_sink_pull_sample(outlet);
        if (!sample)
                return GST_FLOW_EOS;
        GstBufferList *list = gst_sample_get_buffer_list(sample);
        GstBuffer *single = gst_sample_get_buffer(sample);
        const size_t size = list ? gst_buffer_list_calculate_size(list) : single ? gst_buffer_get_size(single) : 0;
        if (size == 0)
                return GST_FLOW_OK;
        uint8_t *data = g_malloc(size);
        const size_t copied = list ? copy_buffers(list, data, size) : gst_buffer_extract(single, 0, data, size);
        g_assert(copied == size && size % PACKET_SIZE == 0);
        emit(mux, data, size);
        return GST_FLOW_OK;
}

/* INV-SIGNALS-001: PAT and PMT call the programme what SDT and EIT do. */
static GstStructure *programmes_of(int32_t service_id) {
        g_autofree char *text =
                g_strdup_printf("prog,sink_65=%d,sink_66=%d,PCR_%d=sink_65", service_id, service_id, service_id);
        GstStructure *programmes = gst_structure_from_string(text, NULL);
        g_assert(programmes);
        return programmes;
}

static void set_muxer(GstElement *muxer, const MuxOptions *options) {
        g_autoptr(GstStructure) programmes = programmes_of(options->service_id);
        g_object_set(muxer, "alignment", 0, "pat-interval", PAT_PMT_INTERVAL, "pmt-interval", PAT_PMT_INTERVAL,
                     "si-interval", SI_INTERVAL, "pcr-interval", PCR_INTERVAL, "bitrate", G_GUINT64_CONSTANT(0),
                     "prog-map", programmes, "scte-35-pid", options->splices ? MUX_SPLICE_PID : 0u,
                     "scte-35-null-interval", UINT32_MAX, NULL); /* INV-OUTPUT-003 */
}

/* Nothing of the pipeline waits for a clock: whoever pushes paces. */
static void set_outlet(Mux *mux) {
        g_object_set(mux->outlet, "sync", FALSE, "async", FALSE, "buffer-list", TRUE, "wait-on-eos", FALSE, NULL);
        GstAppSinkCallbacks callbacks = {.new_sample = on_sample};
        gst_app_sink_set_callbacks(GST_APP_SINK(mux->outlet), &callbacks, mux, NULL);
}

bool mux_init(Mux *ret_mux, GstBin *pipeline, const MuxOptions *options, GError **error) {
        GstElement *muxer = gst_element_factory_make("mpegtsmux", NULL);
        GstElement *outlet = gst_element_factory_make("appsink", NULL);
        if (!muxer || !outlet) {
                g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "cannot make GStreamer element %s",
                            muxer ? "appsink" : "mpegtsmux");
                gst_clear_object(&muxer);
                gst_clear_object(&outlet);
                return false;
        }
        *ret_mux = (Mux){.sink = options->sink, .muxer = muxer, .outlet = outlet};
        set_muxer(muxer, options);
        set_outlet(ret_mux);
        gst_bin_add_many(pipeline, muxer, outlet, NULL);
        return true;
}

bool mux_link(Mux *mux, GstElement *pictures, GstElement *sound, GError **error) {
        if (gst_element_link_pads(pictures, "src", mux->muxer, "sink_65") &&
            gst_element_link_pads(sound, "src", mux->muxer, "sink_66") && gst_element_link(mux->muxer, mux->outlet))
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_FAILED, "cannot link the encoders to the multiplexer");
        return false;
}
