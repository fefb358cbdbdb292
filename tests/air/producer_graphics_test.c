/* Graphics over the pictures of a source: the right ones on each tick, and none on a picture that others have. */
#include "tests/air/producer_rig.h"
#include "tests/support/temp_dir.h"

#define TICKS 40
#define FADE_TICKS 15 /* of the logo, at 30 a second */

/* A black square: libavcodec reads the simplest of all kinds, too. */
static void write_bmp(const char *path) {
        static const uint8_t bytes[58] = {'B', 'M', 58, [10] = 54, [14] = 40, [18] = 1, [22] = 1, [26] = 1, [28] = 24};
        assert_true(g_file_set_contents(path, (const char *)bytes, sizeof(bytes), NULL));
}

typedef struct {
        Rig *rig;
        HouseStyle *style;
        Graphics *graphics;
        char *folder;
} Dressed;

/* A rig whose segment has the logo; pictures for all of it. */
static Dressed dressed_new(const RigSpec *spec) {
        Dressed dressed = {.rig = rig_new(spec), .style = house_style_new(), .folder = temp_dir_new()};
        Rig *rig = dressed.rig;
        char *path = g_build_filename(dressed.folder, "logo", NULL);
        write_bmp(path);
        dressed.style->logo = (StyleLogo){path, CORNER_TOP_LEFT, 100, 100};
        rig->block->segments[0].logo = true;
        dressed.graphics = graphics_new(&(GraphicsOptions){rig->format, dressed.style, rig->block, 0, rig->n_ticks});
        g_clear_pointer(&rig->source, source_free);
        picture_pool_release(rig->pool);
        rig->pool = picture_pool_new(rig->format.width, rig->format.height, TICKS + RIG_PICTURES);
        const SourceOptions options = {
                .format = rig->format,
                .segment = &rig->block->segments[0],
                .end_tick = rig->n_ticks,
                .graphics = dressed.graphics,
                .pool = rig->pool,
                .abort = &rig->abort,
        };
        rig->source = source_open(&options, &rig->fault);
        assert_non_null(rig->source);
        return dressed;
}

static void dressed_clear(Dressed *dressed) {
        rig_free(dressed->rig);
        graphics_free(dressed->graphics);
        house_style_unref(dressed->style);
        temp_dir_free(dressed->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Dressed, dressed_clear)

/* Within the logo, in 320 x 240. */
static int logo_luma(const Picture *picture) {
        return picture_data(picture)[16 * 320 + 25];
}

static int level_at(int64_t k) {
        return k < FADE_TICKS ? (int)(k + 1) * OVERLAY_OPAQUE / (FADE_TICKS + 1) : OVERLAY_OPAQUE;
}

/* Against the white band beside it, which a fade darkens. */
static void check_logo(const Picture *picture, int64_t k) {
        const int under = picture_data(picture)[2];
        const int expected = under + (16 - under) * level_at(k) / OVERLAY_OPAQUE, seen = logo_luma(picture);
        if (abs(seen - expected) > 4)
                fail_msg("tick %d: %d where the logo should make it %d", (int)k, seen, expected);
}

static void INV_GRAPHICS_008_every_tick_has_its_own_look(void **state) {
        g_autofree char *path = rig_clip("r15.webm");
        g_auto(Dressed) dressed = dressed_new(
                &(RigSpec){.path = path, .duration_ms = 3000, .rate = {30, 1}, .width = 320, .height = 240});
        Rig *rig = dressed.rig;
        Picture *pictures[TICKS];
        for (int64_t k = 0; k < TICKS; k++) {
                unsigned frame, id;
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
                assert_int_equal(rig_read(rig, &frame, &id), BARCODE_OK);
                assert_int_equal(frame, k / 2);
                check_logo(rig->cell.picture, k);
                pictures[k] = picture_ref(rig->cell.picture);
        }
        for (int64_t k = 0; k < TICKS; k++) {
                check_logo(pictures[k], k); /* still */
                if (k > FADE_TICKS + 1 && k % 2 == 1)
                        assert_ptr_equal(pictures[k], pictures[k - 1]);
        }
        for (int64_t k = 0; k < TICKS; k++)
                picture_unref(pictures[k]);
}

static void the_logo_stands_over_a_fade_and_over_sound_alone(void **state) {
        g_autofree char *path = rig_clip("r30.mkv"), *sound = rig_clip("soundonly.mkv");
        g_auto(Dressed) faded = dressed_new(&(RigSpec){
                .path = path, .duration_ms = 4000, .rate = {30, 1}, .width = 320, .height = 240, .fade_in_ms = 2000});
        assert_int_equal(rig_make(faded.rig, 29), SOURCE_CELL);
        check_logo(faded.rig->cell.picture, 29);
        assert_in_range(picture_data(faded.rig->cell.picture)[2], 100, 130);
        g_auto(Dressed) heard = dressed_new(
                &(RigSpec){.path = sound, .duration_ms = 1000, .rate = {30, 1}, .width = 320, .height = 240});
        assert_int_equal(rig_make(heard.rig, 20), SOURCE_CELL);
        assert_int_equal(logo_luma(heard.rig->cell.picture), 16);
        assert_ptr_not_equal(heard.rig->cell.picture, picture_black(320, 240));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_GRAPHICS_008_every_tick_has_its_own_look),
                cmocka_unit_test(the_logo_stands_over_a_fade_and_over_sound_alone),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
