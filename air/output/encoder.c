#include "air/output/encoder.h"

#include <gst/video/video.h>

#include "air/output/gst.h"
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
 * measured by correlation, 1024.00, 256.01 and 481.01. The parsers are no ornaments: without what they say of the
 * stream ("framed", "parsed") the multiplexer takes nothing, and says nothing.
 */
typedef struct {
        const char *encoder, *parser;
        int64_t delay_samples;
        int32_t bitrate_unit; /* bit/s in one unit of the property */
} SoundCoding;

static const SoundCoding sound_codings[] = {
        [AUDIO_AAC] = {"avenc_aac", "aacparse", 1024, 1},
        [AUDIO_AC3] = {"avenc_ac3", "ac3parse", 256, 1},
        [AUDIO_MP2] = {"twolamemp2enc", "mpegaudioparse", 481, 1000},
};

/* IDRs are asked for one by one; the encoder's own idea of a GOP must never come first. */
#define GOP_NEVER 100000

/* INV-ENCODER-NO-B-FRAMES-001: zerolatency allows neither look-ahead nor B-frames, so every forced IDR lands exactly.
 */
static void set_picture_encoder(GstElement *x264, const HouseFormat *format) {
        gst_util_set_object_arg(G_OBJECT(x264), "speed-preset", video_preset_name(format->video_preset));
        gst_util_set_object_arg(G_OBJECT(x264), "tune", "zerolatency");
        g_object_set(x264, "bitrate", (guint)format->video_bitrate_kbps, "vbv-buf-capacity",
                     (guint)format->video_buffer_ms, "key-int-max", (guint)GOP_NEVER, "byte-stream", TRUE, "aud", TRUE,
                     "option-string", "scenecut=0", NULL);
}

static void set_sound_encoder(GstElement *encoder, const HouseFormat *format) {
        g_object_set(encoder, "bitrate",
                     (gint)(format->audio_bitrate_kbps * 1000 / sound_codings[format->audio_codec].bitrate_unit), NULL);
        if (format->audio_codec == AUDIO_AAC)
                gst_util_set_object_arg(G_OBJECT(encoder), "aac-coder", "fast");
}

static GstCaps *picture_caps(const HouseFormat *format) {
        return gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, format->width,
                                   "height", G_TYPE_INT, format->height, "framerate", GST_TYPE_FRACTION,
                                   format->rate.num, format->rate.den, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1,
                                   "interlace-mode", G_TYPE_STRING, "progressive", "colorimetry", G_TYPE_STRING,
                                   format->height >= 720 ? "bt709" : "bt601", NULL);
}

static GstCaps *coded_picture_caps(void) {
        return gst_caps_new_simple("video/x-h264", "profile", G_TYPE_STRING, "high", "stream-format", G_TYPE_STRING,
                                   "byte-stream", "alignment", G_TYPE_STRING, "au", NULL);
}

static GstCaps *sound_caps(const HouseFormat *format) {
        return gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING, "F32LE", "layout", G_TYPE_STRING,
                                   "interleaved", "rate", G_TYPE_INT, format->sample_rate_hz, "channels", G_TYPE_INT,
                                   format->channels, "channel-mask", GST_TYPE_BITMASK, G_GUINT64_CONSTANT(3), NULL);
}

/* Not live: the multiplexer then waits for both streams rather than going on without one that is late. */
static void set_source(GstElement *source, GstCaps *take_caps) {
        g_object_set(source, "caps", take_caps, "format", GST_FORMAT_TIME, "is-live", FALSE, "max-bytes",
                     G_GUINT64_CONSTANT(0), "block", FALSE, "emit-signals", FALSE, NULL);
        gst_caps_unref(take_caps);
}

static GstElement *add(GstBin *pipeline, const char *factory, const char *name, GError **error) {
        g_autoptr(GstElementFactory) found = gst_find_optional(factory);
        GstElement *element = found ? gst_element_factory_create(found, name) : NULL;
        if (!element) {
                g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "cannot make GStreamer element %s", factory);
                return NULL;
        }
        g_assert(gst_bin_add(pipeline, element));
        return element;
}

static bool init_picture(Encoder *encoder, GstBin *pipeline, GError **error) {
        GstElement *source = add(pipeline, "appsrc", "picture", error);
        GstElement *x264 = source ? add(pipeline, "x264enc", NULL, error) : NULL;
        GstElement *filter = x264 ? add(pipeline, "capsfilter", NULL, error) : NULL;
        if (!filter)
                return false;
        set_source(source, picture_caps(&encoder->format));
        set_picture_encoder(x264, &encoder->format);
        g_autoptr(GstCaps) coded = coded_picture_caps();
        g_object_set(filter, "caps", coded, NULL);
        encoder->picture_in = GST_APP_SRC(source);
        encoder->picture_out = filter;
        g_assert(gst_element_link_many(source, x264, filter, NULL));
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
        set_source(source, sound_caps(&encoder->format));
        set_sound_encoder(coder, &encoder->format);
        encoder->sound_in = GST_APP_SRC(source);
        encoder->sound_out = parser;
        g_assert(gst_element_link_many(source, coder, parser, NULL));
        return true;
}

bool encoder_init(Encoder *ret_encoder, GstBin *pipeline, const HouseFormat *format, GError **error) {
        *ret_encoder = (Encoder){.format = *format};
        return init_picture(ret_encoder, pipeline, error) && init_sound(ret_encoder, pipeline, error);
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

bool encoder_push_sound(Encoder *encoder, int64_t tick, const float *interleaved, uint32_t n_samples) {
        const HouseFormat *format = &encoder->format;
        const int64_t first = rv_tick_to_sample(tick, format->rate, format->sample_rate_hz);
        GstBuffer *buffer = gst_buffer_new_memdup(interleaved, sizeof(float) * n_samples * (size_t)format->channels);
        GST_BUFFER_PTS(buffer) = sound_time(encoder, first);
        GST_BUFFER_DURATION(buffer) = sound_time(encoder, first + n_samples) - GST_BUFFER_PTS(buffer);
        return gst_app_src_push_buffer(encoder->sound_in, buffer) == GST_FLOW_OK;
}

/*
 * The request travels in band, directly in front of its picture, and carries no time: GstVideoEncoder 1.22 mistakes
 * the times x264enc shifts, and one asked for with the first picture would silence every later one with a time.
 * all-headers makes the multiplexer write PAT and PMT in front of the picture.
 */
static void ask_for_idr(Encoder *encoder, int64_t tick) {
        GstEvent *event = gst_video_event_new_downstream_force_key_unit(GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE,
                                                                        GST_CLOCK_TIME_NONE, TRUE, (guint)tick);
        (void)gst_element_send_event(GST_ELEMENT(encoder->picture_in), event);
}

bool encoder_push_picture(Encoder *encoder, int64_t tick, GstBuffer *take_picture, bool idr) {
        if (idr && encoder->begun)
                ask_for_idr(encoder, tick); /* INV-OUTPUT-002 */
        encoder->begun = true;
        GST_BUFFER_PTS(take_picture) = picture_time(encoder, tick);
        GST_BUFFER_DURATION(take_picture) = picture_time(encoder, tick + 1) - GST_BUFFER_PTS(take_picture);
        return gst_app_src_push_buffer(encoder->picture_in, take_picture) == GST_FLOW_OK;
}

uint64_t encoder_backlog(const Encoder *encoder) {
        return gst_app_src_get_current_level_buffers(encoder->picture_in);
}

void encoder_end(Encoder *encoder) {
        (void)gst_app_src_end_of_stream(encoder->sound_in);
        (void)gst_app_src_end_of_stream(encoder->picture_in);
}
