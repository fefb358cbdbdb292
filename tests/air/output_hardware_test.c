/*
 * Hardware that codes pictures, when it is there, when it is not, and when it dies: there is none here, so an element
 * that goes by the name of one stands for it. It codes with x264 and fails when it is told to.
 */
#include <gst/gst.h>

#include "tests/air/output_group.h"
#include "tests/air/output_rig.h"

/* What the next element made does. */
static struct {
        bool opens, starts;
        int fails_at; /* with its so-manieth picture; -1: never */
} plan;
static atomic_int n_made;

typedef struct {
        GstBin bin;
} Fake;
typedef struct {
        GstBinClass bin;
} FakeClass;

GType fake_get_type(void);
G_DEFINE_TYPE(Fake, fake, GST_TYPE_BIN)

static GstStateChangeReturn fake_change_state(GstElement *element, GstStateChange change) {
        if (change == GST_STATE_CHANGE_NULL_TO_READY && !plan.opens)
                return GST_STATE_CHANGE_FAILURE;
        if (change == GST_STATE_CHANGE_READY_TO_PAUSED && !plan.starts)
                return GST_STATE_CHANGE_FAILURE;
        return GST_ELEMENT_CLASS(fake_parent_class)->change_state(element, change);
}

static void fake_class_init(FakeClass *class) {
        GST_ELEMENT_CLASS(class)->change_state = fake_change_state;
        gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(class), "fake", "Codec/Encoder/Video", "fake", "tests");
}

static void fake_init(Fake *fake) {
        GstElement *x264 = gst_element_factory_make("x264enc", NULL);
        GstElement *death = gst_element_factory_make("identity", NULL);
        gst_util_set_object_arg(G_OBJECT(x264), "tune", "zerolatency");
        gst_util_set_object_arg(G_OBJECT(x264), "speed-preset", "ultrafast");
        g_object_set(x264, "aud", TRUE, "key-int-max", 100000u, "option-string", "scenecut=0", NULL);
        g_object_set(death, "error-after", plan.fails_at, NULL);
        gst_bin_add_many(GST_BIN(fake), death, x264, NULL);
        gst_element_link(death, x264);
        g_autoptr(GstPad) in = gst_element_get_static_pad(death, "sink"), out = gst_element_get_static_pad(x264, "src");
        gst_element_add_pad(GST_ELEMENT(fake), gst_ghost_pad_new("sink", in));
        gst_element_add_pad(GST_ELEMENT(fake), gst_ghost_pad_new("src", out));
        atomic_fetch_add(&n_made, 1);
}

static HouseFormat format_on(VideoEncoder encoder) {
        HouseFormat format = format_of(320, 240, 30000, 1001);
        format.video_encoder = encoder;
        return format;
}

static void set_plan(bool opens, int fails_at) {
        plan.opens = plan.starts = opens;
        plan.fails_at = fails_at;
        n_made = 0;
}

static void assert_idrs(Rig *rig) {
        for (guint i = 1; i < rig->reader->pictures->len; i++)
                if (g_array_index(rig->asked, bool, i))
                        assert_true(picture(rig, i)->idr);
}

/* Whatever is asked for of what is not there (there is no NVENC here), x264 plays. */
static void INV_OUTPUT_021_software_stands_in_for_hardware_that_is_not_there(void **state) {
        set_plan(false, -1);
        for (VideoEncoder encoder = ENCODER_SOFTWARE; encoder <= ENCODER_NVENC; encoder++) {
                g_autoptr(Rig) rig = rig_new(format_on(encoder), 0);
                run_whole(rig, 0, 60, 15);
                assert_idrs(rig);
        }
}

static void INV_OUTPUT_021_software_stands_in_for_hardware_that_does_not_start(void **state) {
        set_plan(true, -1);
        plan.starts = false;
        g_autoptr(Rig) rig = rig_new(format_on(ENCODER_VA), 0);
        run_whole(rig, 0, 60, 15);
        assert_int_equal(n_made, 1);
}

static void INV_OUTPUT_021_hardware_is_used_when_it_opens(void **state) {
        for (VideoEncoder encoder = ENCODER_SOFTWARE; encoder <= ENCODER_VA; encoder++) {
                set_plan(true, -1);
                g_autoptr(Rig) rig = rig_new(format_on(encoder), 0);
                run_whole(rig, 0, 200, 20);
                assert_idrs(rig);
                assert_int_equal(n_made, encoder == ENCODER_SOFTWARE ? 0 : 1);
                for (guint i = 1; i < 200; i++)
                        assert_int_equal(picture(rig, i)->idr, i % 20 == 0);
        }
}

/* Every tick has its picture, each IDR asked for is one, the session goes on. */
static void INV_OUTPUT_021_hardware_that_dies_costs_no_tick(void **state) {
        static const int deaths[] = {1, 2, 3, 20, 21, 22, 100};
        for (size_t i = 0; i < G_N_ELEMENTS(deaths); i++) {
                set_plan(true, deaths[i]);
                g_autoptr(Rig) rig = rig_new(format_on(ENCODER_HARDWARE), 0);
                run_whole(rig, 0, 180, 20);
                assert_idrs(rig);
                assert_int_equal(rig->failures, 0);
                assert_int_equal(n_made, 1);
        }
}

/* Nobody looks at the coder between its death and the end. */
static void INV_OUTPUT_021_death_at_the_end_is_no_hang(void **state) {
        set_plan(true, 3);
        g_autoptr(Rig) rig = rig_new(format_on(ENCODER_VA), 0);
        rig_attach(rig);
        for (int i = 0; i < LEAD_TICKS + 5; i++)
                push(rig, false);
        end_output(rig);
        assert_int_equal(rig->failures, 0);
}

static int set_up_with_hardware(void **state) {
        assert_int_equal(set_up_all(state), 0);
        assert_true(gst_element_register(NULL, "vah264enc", GST_RANK_NONE, fake_get_type()));
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_OUTPUT_021_software_stands_in_for_hardware_that_is_not_there),
                cmocka_unit_test(INV_OUTPUT_021_software_stands_in_for_hardware_that_does_not_start),
                cmocka_unit_test(INV_OUTPUT_021_hardware_is_used_when_it_opens),
                cmocka_unit_test(INV_OUTPUT_021_hardware_that_dies_costs_no_tick),
                cmocka_unit_test(INV_OUTPUT_021_death_at_the_end_is_no_hang),
        };
        return cmocka_run_group_tests(tests, set_up_with_hardware, tear_down_all);
}
