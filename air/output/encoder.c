#include "air/output/encoder.h"

#include <gst/video/video.h>
#include <math.h>

#include "proto/base/error.h"
#include "proto/base/rational.h"

/* Running time of tick 0. Sound is stamped earlier than its tick by the encoder's delay, so zero would be too little.
 */
#define BASE_NS GST_SECOND
/* Times are cut twice on their way into the stream, to ns and to 90 kHz: half of a 90 kHz unit turns that into
 * rounding. */
#define BIAS_NS 5600

/*
 * What codes sound, and by how many samples what a decoder makes of it is late. None of them says so to anybody:
 * measured by correlation, 1599.99, 256.01 and 481.01. The parsers are no ornaments: without what they say of the
 * stream ("framed", "parsed") the multiplexer takes nothing, and says nothing.
 */
typedef struct {
        const char *encoder, *parser;
        int64_t delay_samples;
        int32_t bitrate_unit; /* bit/s in one unit of the property */
        bool whole;           /* takes samples of 16 bits, the others floating point */
} SoundCoding;

static const SoundCoding sound_codings[] = {
        [AUDIO_AAC] = {"voaacenc", "aacparse", 1600, 1, true},
        [AUDIO_AC3] = {"avenc_ac3", "ac3parse", 256, 1, false},
        [AUDIO_MP2] = {"twolamemp2enc", "mpegaudioparse", 481, 1000, false},
};

static void set_sound_encoder(GstElement *encoder, const HouseFormat *format) {
        g_object_set(encoder, "bitrate",
                     (gint)(format->audio_bitrate_kbps * 1000 / sound_codings[format->audio_codec].bitrate_unit), NULL);
}

static GstCaps *sound_caps(const HouseFormat *format) {
        return gst_caps_new_simple(
                "audio/x-raw", "format", G_TYPE_STRING, sound_codings[format->audio_codec].whole ? "S16LE" : "F32LE",
                "layout", G_TYPE_STRING, "interleaved", "rate", G_TYPE_INT, format->sample_rate_hz, "channels",
                G_TYPE_INT, format->channels, "channel-mask", GST_TYPE_BITMASK, G_GUINT64_CONSTANT(3), NULL);
}

static GstElement *add(GstBin *pipeline, const char *factory, const char *name, GError **error) {
        GstElement *element = coder_make(factory, name, error);
        if (element)
                g_assert(gst_bin_add(pipeline, element));
        return element;
}

/* An encoder may shift its times, and says so in its segment. */
static void note_out(Encoder *encoder, GstPad *pad, const GstBuffer *buffer) {
        g_autoptr(GstEvent) event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
        const GstSegment *segment = NULL;
        if (event)
                gst_event_parse_segment(event, &segment);
        if (segment)
                atomic_store(&encoder->last_out_ns,
                             (int64_t)gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer)));
}

/*
 * Hardware that fails tells its end to what follows, which is to wait for the coder in its place; and before it has
 * brought anything forth it has nothing to tell. What it has brought forth is known by this.
 */
static GstPadProbeReturn watch(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
        Encoder *encoder = user;
        if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
                note_out(encoder, pad, GST_PAD_PROBE_INFO_BUFFER(info));
                return GST_PAD_PROBE_OK;
        }
        const GstEventType type = GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info));
        const bool early = type == GST_EVENT_SEGMENT && !gst_pad_has_current_caps(pad);
        const bool unasked = type == GST_EVENT_EOS && !atomic_load(&encoder->ended);
        return early || unasked ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

static void watch_hardware(Encoder *encoder) {
        g_autoptr(GstPad) out = gst_element_get_static_pad(encoder->coder.bin, "src");
        (void)gst_pad_add_probe(out, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, watch, encoder,
                                NULL);
}

static bool init_picture(Encoder *encoder, GstBin *pipeline, GError **error) {
        if (!coder_init(&encoder->coder, &encoder->format, error))
                return false;
        g_assert(gst_bin_add(pipeline, encoder->coder.bin));
        encoder->picture_out = encoder->coder.bin;
        if (encoder->coder.hardware)
                watch_hardware(encoder);
        return true;
}

/* INV-OUTPUT-020 */
static bool init_sound(Encoder *encoder, GstBin *pipeline, GError **error) {
        const SoundCoding *coding = &sound_codings[encoder->format.audio_codec];
        GstElement *source = add(pipeline, "appsrc", "sound", error);
        GstElement *coder = source ? add(pipeline, coding->encoder, NULL, error) : NULL;
        GstElement *parser = coder ? add(pipeline, coding->parser, NULL, error) : NULL;
        if (!parser)
                return false;
        coder_set_source(source, sound_caps(&encoder->format));
        set_sound_encoder(coder, &encoder->format);
        encoder->sound_in = GST_APP_SRC(source);
        encoder->sound_out = parser;
        g_assert(gst_element_link_many(source, coder, parser, NULL));
        return true;
}

static void begin(Encoder *encoder, const HouseFormat *format, const HouseFormat *from) {
        encoder->format = *format;
        encoder->layout = house_picture_layout(from->width, from->height);
        encoder->first_tick = -1;
        atomic_init(&encoder->last_out_ns, -1);
}

bool encoder_init(Encoder *ret_encoder, GstBin *pipeline, const HouseFormat *format, GError **error) {
        begin(ret_encoder, format, format);
        return init_picture(ret_encoder, pipeline, error) && init_sound(ret_encoder, pipeline, error);
}

bool encoder_init_second(Encoder *ret_encoder, GstBin *pipeline, const HouseFormat *format, const HouseFormat *from,
                         GError **error) {
        begin(ret_encoder, format, from);
        if (!coder_init_scaled(&ret_encoder->coder, format, from, error))
                return false;
        g_assert(gst_bin_add(pipeline, ret_encoder->coder.bin));
        ret_encoder->picture_out = ret_encoder->coder.bin;
        ret_encoder->sound_out = add(pipeline, "appsrc", "sound", error);
        if (!ret_encoder->sound_out)
                return false;
        ret_encoder->sound_in = GST_APP_SRC(ret_encoder->sound_out);
        coder_set_source(ret_encoder->sound_out, NULL);
        return true;
}

/* INV-OUTPUT-001 */
static GstClockTime picture_time(const Encoder *encoder, int64_t tick) {
        return BASE_NS + (GstClockTime)rv_tick_to_ns(tick, encoder->format.rate) + BIAS_NS;
}

/* INV-OUTPUT-004: stamped early by what the encoder will make it late. */
static GstClockTime sound_time(const Encoder *encoder, int64_t sample) {
        const int64_t ns = rv_mul_div_floor(sample - sound_codings[encoder->format.audio_codec].delay_samples,
                                            GST_SECOND, encoder->format.sample_rate_hz);
        return (GstClockTime)((int64_t)BASE_NS + ns + BIAS_NS);
}

static int16_t whole_sample(float sample) {
        return (int16_t)lrintf(CLAMP(sample * 32768.0F, -32768.0F, 32767.0F));
}

static GstBuffer *sound_buffer(const Encoder *encoder, const float *samples, size_t n) {
        if (!sound_codings[encoder->format.audio_codec].whole)
                return gst_buffer_new_memdup(samples, n * sizeof(float));
        int16_t *whole = g_new(int16_t, n);
        for (size_t i = 0; i < n; i++)
                whole[i] = whole_sample(samples[i]);
        return gst_buffer_new_wrapped(whole, n * sizeof(int16_t));
}

bool encoder_push_sound(Encoder *encoder, int64_t tick, const float *interleaved, uint32_t n_samples) {
        const HouseFormat *format = &encoder->format;
        const int64_t first = rv_tick_to_sample(tick, format->rate, format->sample_rate_hz);
        GstBuffer *buffer = sound_buffer(encoder, interleaved, n_samples * (size_t)format->channels);
        GST_BUFFER_PTS(buffer) = sound_time(encoder, first);
        GST_BUFFER_DURATION(buffer) = sound_time(encoder, first + n_samples) - GST_BUFFER_PTS(buffer);
        return gst_app_src_push_buffer(encoder->sound_in, buffer) == GST_FLOW_OK;
}

/*
 * The request travels in band, directly in front of its picture. x264enc's carries no time: GstVideoEncoder 1.22
 * mistakes the times x264enc shifts, and one asked for with the first picture would silence every later one with a
 * time. Hardware may still hold a picture when the next request comes, which without a time would be forgotten.
 * all-headers makes the multiplexer write PAT and PMT in front of the picture.
 */
static void ask_for_idr(Encoder *encoder, int64_t tick) {
        const GstClockTime time = encoder->coder.hardware ? picture_time(encoder, tick) : GST_CLOCK_TIME_NONE;
        GstEvent *event = gst_video_event_new_downstream_force_key_unit(GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, time,
                                                                        TRUE, (guint)tick);
        (void)gst_element_send_event(GST_ELEMENT(encoder->coder.in), event);
}

/* INV-OUTPUT-030 */
void encoder_keep_captions(GstBuffer *picture, GstBuffer *due) {
        GstVideoCaptionMeta *old = gst_buffer_get_video_caption_meta(picture);
        const GstVideoCaptionMeta *captions = gst_buffer_get_video_caption_meta(due);
        if (old)
                (void)gst_buffer_remove_meta(picture, &old->meta);
        if (captions)
                (void)gst_buffer_add_video_caption_meta(picture, captions->caption_type, captions->data,
                                                        captions->size);
}

/* Says where the rows are, which is not where GStreamer has them if nothing is said. */
static void lay_out(const Encoder *encoder, GstBuffer *picture) {
        const PictureLayout *layout = &encoder->layout;
        gsize offset[GST_VIDEO_MAX_PLANES] = {0};
        gint stride[GST_VIDEO_MAX_PLANES] = {0};
        for (int i = 0; i < PICTURE_PLANES; i++) {
                offset[i] = layout->offset[i];
                stride[i] = layout->stride[i];
        }
        if (!gst_buffer_get_video_meta(picture))
                (void)gst_buffer_add_video_meta_full(picture, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_I420,
                                                     (guint)layout->width, (guint)layout->height, PICTURE_PLANES,
                                                     offset, stride);
}

bool encoder_push_picture(Encoder *encoder, int64_t tick, GstBuffer *take_picture, bool idr) {
        if (encoder->first_tick < 0)
                encoder->first_tick = tick;
        if (idr && encoder->begun)
                ask_for_idr(encoder, tick); /* INV-OUTPUT-002 */
        encoder->begun = true;
        encoder->idr_asked[tick % ENCODER_MEMORY] = idr;
        lay_out(encoder, take_picture);
        GST_BUFFER_PTS(take_picture) = picture_time(encoder, tick);
        GST_BUFFER_DURATION(take_picture) = picture_time(encoder, tick + 1) - GST_BUFFER_PTS(take_picture);
        return gst_app_src_push_buffer(encoder->coder.in, take_picture) == GST_FLOW_OK;
}

uint64_t encoder_backlog(const Encoder *encoder) {
        return gst_app_src_get_current_level_buffers(encoder->coder.in);
}

/* The tick whose picture came out last; -1: none did. */
static int64_t last_tick_out(const Encoder *encoder) {
        const int64_t ns = atomic_load(&encoder->last_out_ns);
        return ns < 0 ? -1
                      : rv_mul_div_floor(ns - (int64_t)BASE_NS, encoder->format.rate.num,
                                         GST_SECOND * encoder->format.rate.den);
}

/* INV-OUTPUT-021 */
bool encoder_fall_back(Encoder *encoder, int64_t *ret_next_tick, GError **error) {
        Coder software;
        if (!coder_init_software(&software, &encoder->format, error))
                return false;
        GstElement *old = encoder->coder.bin;
        g_autoptr(GstObject) pipeline = gst_object_get_parent(GST_OBJECT(old));
        g_autoptr(GstPad) old_out = gst_element_get_static_pad(old, "src");
        g_autoptr(GstPad) taker = gst_pad_get_peer(old_out);
        (void)gst_pad_unlink(old_out, taker);
        const int64_t last = last_tick_out(encoder);
        *ret_next_tick = last < 0 ? encoder->first_tick : last + 1;
        (void)gst_element_set_state(old, GST_STATE_NULL);
        gst_bin_remove(GST_BIN(pipeline), old);
        encoder->coder = software;
        encoder->picture_out = software.bin;
        encoder->begun = false;
        g_assert(gst_bin_add(GST_BIN(pipeline), software.bin));
        g_autoptr(GstPad) out = gst_element_get_static_pad(software.bin, "src");
        g_assert(gst_pad_link(out, taker) == GST_PAD_LINK_OK);
        (void)gst_element_sync_state_with_parent(software.bin);
        return true;
}

bool encoder_asked_for_idr(const Encoder *encoder, int64_t tick) {
        return encoder->idr_asked[tick % ENCODER_MEMORY];
}

void encoder_end(Encoder *encoder) {
        atomic_store(&encoder->ended, true);
        (void)gst_app_src_end_of_stream(encoder->sound_in);
        (void)gst_app_src_end_of_stream(encoder->coder.in);
}
