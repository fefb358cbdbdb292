/* The second rendition: the same programme in another size, picture for picture, and nothing to the first whatever
 * becomes of it. */
#include <gst/gst.h>

#include "tests/air/output_group.h"
#include "tests/air/output_rig.h"

/* What reads the second rendition. */
typedef struct {
        char *path;
        int listener, fd;
        TsReader *reader;
} Second;

static HouseFormat format_of_two(int32_t num, int32_t den) {
        HouseFormat format = format_of(320, 240, num, den);
        format.second_width = 160;
        format.second_height = 120;
        format.second_bitrate_kbps = 200;
        return format;
}

static Second second_attach(Rig *rig) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        Second second = {.path = g_build_filename(rig->dir, "second.sock", NULL), .reader = ts_reader_new()};
        g_strlcpy(address.sun_path, second.path, sizeof(address.sun_path));
        second.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(second.listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(second.listener, 1), 0);
        g_autoptr(GError) error = NULL;
        assert_true(output_attach_second(rig->output, second.path, &error));
        second.fd = accept(second.listener, NULL, NULL);
        assert_true(second.fd >= 0);
        return second;
}

/* False at the end of its stream. */
static bool second_read(Second *second, bool wait) {
        uint8_t data[65536];
        struct pollfd polled = {.fd = second->fd, .events = POLLIN};
        while (poll(&polled, 1, wait ? -1 : 0) > 0) {
                const ssize_t n = read(second->fd, data, sizeof(data));
                if (n <= 0)
                        return false;
                ts_reader_feed(second->reader, data, (size_t)n);
        }
        return true;
}

static void second_close(Second *second) {
        close(second->fd);
        close(second->listener);
        ts_reader_free(second->reader);
        g_free(second->path);
}

static void run_both(Rig *rig, Second *second, int64_t n_ticks, int64_t gop) {
        for (int64_t i = 0; i < n_ticks; i++) {
                run(rig, 1, gop);
                assert_true(second_read(second, false));
        }
}

static void end_both(Rig *rig, Second *second) {
        end_output(rig);
        while (second_read(second, true))
                ;
        ts_reader_end(second->reader);
}

static void assert_alike(const TsReader *a, const TsReader *b) {
        assert_int_equal(a->pictures->len, b->pictures->len);
        for (guint i = 0; i < a->pictures->len; i++) {
                const TsPicture *x = &g_array_index(a->pictures, TsPicture, i),
                                *y = &g_array_index(b->pictures, TsPicture, i);
                assert_int_equal(x->pts, y->pts);
                assert_int_equal(x->idr, y->idr);
        }
        const guint n = MIN(a->sounds->len, b->sounds->len);
        assert_true(n + 2 >= MAX(a->sounds->len, b->sounds->len)); /* where each is cut at the end */
        for (guint i = 0; i < n; i++) {
                const TsSound *x = &g_array_index(a->sounds, TsSound, i), *y = &g_array_index(b->sounds, TsSound, i);
                assert_int_equal(x->pts, y->pts);
                assert_int_equal(x->bytes, y->bytes);
        }
        static const int signals[] = {0x11, 0x12, 0x14, 67};
        for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
                assert_true(a->packets_of[signals[i]] > 0);
                assert_int_equal(a->packets_of[signals[i]], b->packets_of[signals[i]]);
        }
        assert_int_equal(a->service_id, b->service_id);
        assert_int_equal(a->splice_pid, b->splice_pid);
}

static void INV_OUTPUT_022_both_renditions_are_one_programme(void **state) {
        static const RvRational rates[] = {{24000, 1001}, {25, 1}, {30000, 1001}, {60000, 1001}};
        for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
                HouseFormat format = format_of_two(rates[i].num, rates[i].den);
                format.audio_codec = (AudioCodec)(AUDIO_AAC + i % 3);
                g_autoptr(HouseStyle) style = house_style_new();
                style->splices = true;
                g_autoptr(Rig) rig = rig_new_of(format, 0, style);
                const OutputBreak one = {.id = 1, .start_tick = 250, .end_tick = 400};
                output_announce(rig->output, &(OutputOutlook){.breaks = &one, .n_breaks = 1});
                rig_attach(rig);
                Second second = second_attach(rig);
                run_both(rig, &second, 150, 15);
                end_both(rig, &second);
                assert_stream(rig, TS_UNBROKEN);
                g_autofree char *wrong = ts_reader_check(second.reader, rates[i], 0, TS_UNBROKEN);
                if (wrong)
                        fail_msg("%s", wrong);
                assert_int_equal(rig->reader->pictures->len, 150);
                assert_alike(rig->reader, second.reader);
                second_close(&second);
        }
}

static void INV_OUTPUT_030_captions_are_in_both_renditions(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of_two(30000, 1001), 0);
        rig->captions_end = 70;
        rig_attach(rig);
        Second second = second_attach(rig);
        run_both(rig, &second, 90, 15);
        end_both(rig, &second);
        const TsReader *both[] = {rig->reader, second.reader};
        for (size_t r = 0; r < G_N_ELEMENTS(both); r++) {
                assert_int_equal(both[r]->pictures->len, 90);
                for (guint i = 0; i < 90; i++) {
                        const TsPicture *one = &g_array_index(both[r]->pictures, TsPicture, i);
                        assert_int_equal(one->n_captions, i < 70 ? 1 : 0);
                        assert_int_equal(one->first_pair, i < 70 ? (0x20 + i / 64) << 8 | (0x20 + i % 64) : 0);
                }
        }
        second_close(&second);
}

/* Nobody reads it: the first has each of its pictures. */
static void INV_OUTPUT_022_a_reader_that_stalls_is_nothing_to_the_first(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of_two(30000, 1001), 0);
        rig_attach(rig);
        Second second = second_attach(rig);
        run(rig, 300, 15);
        end_output(rig);
        assert_stream(rig, TS_UNBROKEN);
        assert_int_equal(rig->reader->pictures->len, 300);
        second_close(&second);
}

static void without_a_second_rendition_there_is_none_to_attach(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(64, 64, 25, 1), 0);
        g_autoptr(GError) error = NULL;
        assert_false(output_attach_second(rig->output, rig->path, &error));
        assert_non_null(error);
}

/* A scaler that does not scale: what follows refuses its pictures. */
typedef struct {
        GstBin bin;
} Lame;
typedef struct {
        GstBinClass bin;
} LameClass;

GType lame_get_type(void);
G_DEFINE_TYPE(Lame, lame, GST_TYPE_BIN)

static void lame_class_init(LameClass *class) {
        static GstStaticPadTemplate in = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                                                                 GST_STATIC_CAPS_ANY),
                                    out = GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                                                                  GST_STATIC_CAPS_ANY);
        gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(class), &in);
        gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(class), &out);
        gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(class), "lame", "Filter", "lame", "tests");
}

static void lame_init(Lame *lame) {
        GstElement *identity = gst_element_factory_make("identity", NULL);
        gst_bin_add(GST_BIN(lame), identity);
        g_autoptr(GstPad) in = gst_element_get_static_pad(identity, "sink"),
                          out = gst_element_get_static_pad(identity, "src");
        gst_element_add_pad(GST_ELEMENT(lame), gst_ghost_pad_new("sink", in));
        gst_element_add_pad(GST_ELEMENT(lame), gst_ghost_pad_new("src", out));
}

static void INV_OUTPUT_022_the_second_dies_alone(void **state) {
        assert_true(gst_element_register(NULL, "videoscale", GST_RANK_NONE, lame_get_type()));
        g_autoptr(Rig) rig = rig_new(format_of_two(30000, 1001), 0);
        rig_attach(rig);
        Second second = second_attach(rig);
        run(rig, 120, 15);
        while (second_read(&second, true)) /* to the end of its stream, while the first goes on */
                ;
        g_autoptr(GError) error = NULL;
        assert_false(output_attach_second(rig->output, second.path, &error));
        run(rig, 30, 15);
        end_output(rig);
        assert_stream(rig, TS_UNBROKEN);
        assert_int_equal(rig->reader->pictures->len, 150);
        second_close(&second);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_OUTPUT_022_both_renditions_are_one_programme),
                cmocka_unit_test(INV_OUTPUT_030_captions_are_in_both_renditions),
                cmocka_unit_test(INV_OUTPUT_022_a_reader_that_stalls_is_nothing_to_the_first),
                cmocka_unit_test(without_a_second_rendition_there_is_none_to_attach),
                cmocka_unit_test(INV_OUTPUT_022_the_second_dies_alone), /* last: no scaler works any more */
        };
        return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
