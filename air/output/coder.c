#include "air/output/coder.h"

#include <string.h>

#include "air/output/gst.h"
#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/base/rational.h"

/* IDRs are asked for one by one; the encoder's own idea of a GOP must never come first. */
#define GOP_NEVER 100000
#define HARDWARE_NAME "hardware-coder"
#define SOFTWARE_NAME "software-coder"
#define MAX_ELEMENTS 6

typedef enum { MAKER_VA = 1, MAKER_NVENC } Maker;

/* Tried in this order. */
static const struct {
        const char *factory;
        Maker maker;
} hardware[] = {{"vah264enc", MAKER_VA}, {"vah264lpenc", MAKER_VA}, {"nvh264enc", MAKER_NVENC}};

GstElement *coder_make(const char *factory, const char *name, GError **error) {
        g_autoptr(GstElementFactory) found = gst_find_optional(factory);
        GstElement *element = found ? gst_element_factory_create(found, name) : NULL;
        if (!element)
                g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "cannot make GStreamer element %s", factory);
        return element;
}

/* Not live: the multiplexer then waits for both streams rather than going on without one that is late. */
void coder_set_source(GstElement *source, GstCaps *take_caps) {
        g_object_set(source, "caps", take_caps, "format", GST_FORMAT_TIME, "is-live", FALSE, "max-bytes",
                     G_GUINT64_CONSTANT(0), "block", FALSE, "emit-signals", FALSE, NULL);
        gst_clear_caps(&take_caps);
}

static GstCaps *picture_caps(const HouseFormat *format) {
        return gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, format->width,
                                   "height", G_TYPE_INT, format->height, "framerate", GST_TYPE_FRACTION,
                                   format->rate.num, format->rate.den, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1,
                                   "interlace-mode", G_TYPE_STRING, "progressive", "colorimetry", G_TYPE_STRING,
                                   format->height >= 720 ? "bt709" : "bt601", NULL);
}

static void set_filter(GstElement *filter, const char *profile) {
        g_autoptr(GstCaps) coded =
                gst_caps_new_simple("video/x-h264", "stream-format", G_TYPE_STRING, "byte-stream", "alignment",
                                    G_TYPE_STRING, "au", profile ? "profile" : NULL, G_TYPE_STRING, profile, NULL);
        g_object_set(filter, "caps", coded, NULL);
}

/*
 * A picture is cut into as many slices as threads code it, so each costs a little of likeness and of time: no more than
 * it takes to keep up with medium, and never, as the encoder would, as many as the machine has processors.
 */
static guint coding_threads(const HouseFormat *format) {
        const int64_t pixels_a_second =
                rv_mul_div_floor((int64_t)format->width * format->height, format->rate.num, format->rate.den);
        const guint wanted = pixels_a_second <= 15000000 ? 1 : pixels_a_second <= 40000000 ? 2 : 4;
        return MIN(wanted, g_get_num_processors());
}

/* INV-ENCODER-NO-B-FRAMES-001: zerolatency allows neither look-ahead nor B-frames, so every forced IDR lands exactly.
 */
static void set_x264(GstElement *x264, const HouseFormat *format) {
        gst_util_set_object_arg(G_OBJECT(x264), "speed-preset", video_preset_name(format->video_preset));
        gst_util_set_object_arg(G_OBJECT(x264), "tune", "zerolatency");
        g_object_set(x264, "bitrate", (guint)format->video_bitrate_kbps, "vbv-buf-capacity",
                     (guint)format->video_buffer_ms, "key-int-max", (guint)GOP_NEVER, "byte-stream", TRUE, "aud", TRUE,
                     "threads", coding_threads(format), "option-string", "scenecut=0", NULL);
}

/* What drivers offer differs: a setting that is not there is left out. */
static void set(GstElement *element, const char *property, const char *value) {
        if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), property))
                gst_util_set_object_arg(G_OBJECT(element), property, value);
}

static void set_kilobits(GstElement *element, const char *property, int64_t kilobits) {
        g_autofree char *value = g_strdup_printf("%" G_GINT64_FORMAT, kilobits);
        set(element, property, value);
}

static void set_hardware(GstElement *encoder, Maker maker, const HouseFormat *format) {
        static const char *const va[][2] = {{"rate-control", "cbr"},
                                            {"key-int-max", "1024"},
                                            {"b-frames", "0"},
                                            {"ref-frames", "1"},
                                            {"aud", "true"}};
        static const char *const nvenc[][2] = {{"rc-mode", "cbr"}, {"gop-size", "-1"},     {"preset", "low-latency-hq"},
                                               {"bframes", "0"},   {"rc-lookahead", "0"},  {"zerolatency", "true"},
                                               {"aud", "true"},    {"strict-gop", "true"}, {"i-adapt", "false"}};
        const int64_t buffer = (int64_t)format->video_bitrate_kbps * format->video_buffer_ms / 1000;
        const size_t n = maker == MAKER_VA ? G_N_ELEMENTS(va) : G_N_ELEMENTS(nvenc);
        const char *const(*settings)[2] = maker == MAKER_VA ? va : nvenc;
        for (size_t i = 0; i < n; i++)
                set(encoder, settings[i][0], settings[i][1]);
        set_kilobits(encoder, "bitrate", format->video_bitrate_kbps);
        set_kilobits(encoder, "max-bitrate", maker == MAKER_NVENC ? format->video_bitrate_kbps : 0);
        set_kilobits(encoder, maker == MAKER_VA ? "cpb-size" : "vbv-buffer-size", buffer);
}

/* Puts the chain into a bin whose pad "src" is that of its last element. Consumes the elements. */
static Coder wrap(const HouseFormat *format, GstElement *const take_chain[], size_t n, bool is_hardware) {
        GstElement *bin = gst_bin_new(is_hardware ? HARDWARE_NAME : SOFTWARE_NAME);
        for (size_t i = 0; i < n; i++) {
                g_assert(gst_bin_add(GST_BIN(bin), take_chain[i]));
                if (i > 0)
                        g_assert(gst_element_link(take_chain[i - 1], take_chain[i]));
        }
        g_autoptr(GstPad) last = gst_element_get_static_pad(take_chain[n - 1], "src");
        g_assert(gst_element_add_pad(bin, gst_ghost_pad_new("src", last)));
        coder_set_source(take_chain[0], picture_caps(format));
        return (Coder){.bin = bin, .in = GST_APP_SRC(take_chain[0]), .hardware = is_hardware};
}

/* All of them or none. */
static bool make_all(const char *const factories[], GstElement *ret_elements[], size_t n, GError **error) {
        for (size_t i = 0; i < n; i++) {
                if (ret_elements[i])
                        continue;
                ret_elements[i] = coder_make(factories[i], i == 0 ? "picture" : NULL, error);
                if (ret_elements[i])
                        continue;
                for (size_t made = 0; made < n; made++)
                        gst_clear_object(&ret_elements[made]);
                return false;
        }
        return true;
}

bool coder_init_software(Coder *ret_coder, const HouseFormat *format, GError **error) {
        static const char *const factories[] = {"appsrc", "x264enc", "capsfilter"};
        GstElement *chain[G_N_ELEMENTS(factories)] = {NULL};
        if (!make_all(factories, chain, G_N_ELEMENTS(factories), error))
                return false;
        set_x264(chain[1], format);
        set_filter(chain[2], "high");
        *ret_coder = wrap(format, chain, G_N_ELEMENTS(factories), false);
        return true;
}

bool coder_init_scaled(Coder *ret_coder, const HouseFormat *format, const HouseFormat *from, GError **error) {
        static const char *const factories[] = {"appsrc", "videoscale", "capsfilter", "x264enc", "capsfilter"};
        GstElement *chain[G_N_ELEMENTS(factories)] = {NULL};
        if (!make_all(factories, chain, G_N_ELEMENTS(factories), error))
                return false;
        g_autoptr(GstCaps) scaled =
                gst_caps_new_simple("video/x-raw", "width", G_TYPE_INT, format->width, "height", G_TYPE_INT,
                                    format->height, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, NULL);
        set(chain[1], "add-borders", "false");
        g_object_set(chain[2], "caps", scaled, NULL);
        set_x264(chain[3], format);
        set_filter(chain[4], "high");
        *ret_coder = wrap(from, chain, G_N_ELEMENTS(factories), false);
        return true;
}

static bool wanted(VideoEncoder choice, Maker maker) {
        return choice == ENCODER_HARDWARE || (choice == ENCODER_VA && maker == MAKER_VA) ||
               (choice == ENCODER_NVENC && maker == MAKER_NVENC);
}

/* The device is opened here and stays open: that it can be is half of what may go wrong. */
static GstElement *open_encoder(const char *factory, GError **error) {
        g_autoptr(GstElement) encoder = coder_make(factory, NULL, error);
        if (!encoder)
                return NULL;
        gst_object_ref_sink(encoder);
        if (gst_element_set_state(encoder, GST_STATE_READY) != GST_STATE_CHANGE_FAILURE)
                return g_steal_pointer(&encoder);
        (void)gst_element_set_state(encoder, GST_STATE_NULL);
        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "%s cannot open its device", factory);
        return NULL;
}

static bool init_hardware(Coder *ret_coder, const HouseFormat *format, size_t which, GError **error) {
        const char *const factories[] = {"appsrc", "videoconvert", hardware[which].factory, "h264parse", "capsfilter"};
        GstElement *chain[G_N_ELEMENTS(factories)] = {NULL};
        g_autoptr(GstElement) encoder = open_encoder(hardware[which].factory, error);
        if (!encoder)
                return false;
        set_hardware(encoder, hardware[which].maker, format);
        chain[2] = gst_object_ref(encoder); /* given back below */
        if (!make_all(factories, chain, G_N_ELEMENTS(factories), error)) {
                (void)gst_element_set_state(encoder, GST_STATE_NULL);
                return false;
        }
        g_object_set(chain[3], "config-interval", -1, NULL);
        set_filter(chain[4], NULL);
        *ret_coder = wrap(format, chain, G_N_ELEMENTS(factories), true);
        gst_object_unref(encoder);
        return true;
}

void coder_tell_fallback(const HouseFormat *format, const char *reason) {
        rv_warning("output.encoder_fallback", RV_S("wanted", video_encoder_name(format->video_encoder)),
                   RV_S("encoder", "x264enc"), RV_S("reason", reason));
}

/* INV-OUTPUT-021 */
bool coder_init(Coder *ret_coder, const HouseFormat *format, GError **error) {
        g_autoptr(GString) reasons = g_string_new(NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(hardware); i++) {
                g_autoptr(GError) reason = NULL;
                if (!wanted(format->video_encoder, hardware[i].maker))
                        continue;
                if (init_hardware(ret_coder, format, i, &reason)) {
                        rv_info("output.encoder", RV_S("encoder", hardware[i].factory));
                        return true;
                }
                g_string_append_printf(reasons, "%s%s", reasons->len ? "; " : "", reason->message);
        }
        if (reasons->len > 0)
                coder_tell_fallback(format, reasons->str);
        return coder_init_software(ret_coder, format, error);
}

bool coder_is_hardware_part(GstObject *object) {
        g_autoptr(GstObject) at = gst_object_ref(object);
        while (at) {
                g_autofree char *name = gst_object_get_name(at);
                if (g_strcmp0(name, HARDWARE_NAME) == 0)
                        return true;
                GstObject *parent = gst_object_get_parent(at);
                gst_object_unref(at);
                at = parent;
        }
        return false;
}
