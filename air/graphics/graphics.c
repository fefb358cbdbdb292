#include "air/graphics/graphics.h"

#include "air/graphics/logo.h"
#include "air/graphics/snipe.h"

struct Graphics {
        HouseFormat format;
        HouseStyle *style;
        BlockPlan *block;
        const BlockSegment *segment;

        Logo *logo;                        /* NULL: none over this segment */
        int64_t logo_from_k, logo_until_k; /* the run of segments that have it */

        Overlay *snipe; /* of the segment's snipe made last; NULL: none could be */
        int64_t made;   /* which; -1: none has been */
};

/* --- when --- */

static bool has_logo(const BlockPlan *block, int64_t i) {
        return i >= 0 && i < block->n_segments && block->segments[i].logo && block->segments[i].type != SEGMENT_PAD;
}

/* INV-GRAPHICS-004: seams within a run are none to the logo. */
static void find_run(Graphics *graphics, int64_t index, int64_t n_ticks) {
        const BlockPlan *block = graphics->block;
        int64_t before_ms = 0, after_ms = 0;
        for (int64_t i = index - 1; has_logo(block, i); i--)
                before_ms += block->segments[i].duration_ms;
        for (int64_t i = index + 1; has_logo(block, i); i++)
                after_ms += block->segments[i].duration_ms;
        graphics->logo_from_k = -rv_tick_at_ms(before_ms, graphics->format.rate);
        graphics->logo_until_k = n_ticks + rv_tick_at_ms(after_ms, graphics->format.rate);
}

Graphics *graphics_new(const GraphicsOptions *options) {
        const BlockSegment *segment = &options->block->segments[options->segment_index];
        g_autoptr(Logo) logo =
                has_logo(options->block, options->segment_index) ? logo_get(&options->format, options->style) : NULL;
        if (!logo && segment->n_snipes == 0)
                return NULL;
        Graphics *graphics = g_new0(Graphics, 1);
        graphics->format = options->format;
        graphics->style = house_style_ref(options->style);
        graphics->block = block_plan_ref(options->block);
        graphics->segment = segment;
        graphics->logo = g_steal_pointer(&logo);
        graphics->made = -1;
        find_run(graphics, options->segment_index, options->n_ticks);
        return graphics;
}

void graphics_free(Graphics *graphics) {
        if (!graphics)
                return;
        logo_unref(graphics->logo);
        overlay_unref(graphics->snipe);
        block_plan_unref(graphics->block);
        house_style_unref(graphics->style);
        g_free(graphics);
}

/* 0..OVERLAY_OPAQUE of what is shown from from_k up to, not including, until_k: rises and falls in equal steps, and is
 * seen a little in the first and last tick already. */
static int32_t ramp(int64_t k, int64_t from_k, int64_t until_k, int64_t ramp_ticks) {
        const int64_t nearest_end = MIN(k + 1 - from_k, until_k - k);
        return (int32_t)CLAMP(nearest_end * OVERLAY_OPAQUE / (ramp_ticks + 1), 0, OVERLAY_OPAQUE);
}

/* --- looks: the snipe's number and how far it is in, and how far the logo is --- */

#define LEVEL_BITS 9

static int64_t pack_look(int64_t snipe, int32_t snipe_level, int32_t logo_level) {
        return snipe << 2 * LEVEL_BITS | (int64_t)snipe_level << LEVEL_BITS | logo_level;
}

static int32_t level_in(int64_t look, int shift) {
        return (int32_t)(look >> shift & ((1 << LEVEL_BITS) - 1));
}

/* INV-GRAPHICS-005 */
static int64_t snipe_look(const Graphics *graphics, int64_t k) {
        const RvRational rate = graphics->format.rate;
        for (uint32_t i = 0; i < graphics->segment->n_snipes; i++) {
                const BlockSnipe *snipe = &graphics->segment->snipes[i];
                const int64_t from_k = rv_tick_at_ms(snipe->start_ms, rate);
                const int64_t until_k = rv_tick_at_ms(snipe->start_ms + snipe->duration_ms, rate);
                if (k >= from_k && k < until_k)
                        return pack_look(i, ramp(k, from_k, until_k, rv_tick_at_ms(GRAPHICS_SNIPE_MOVE_MS, rate)), 0);
        }
        return 0;
}

int64_t graphics_look(Graphics *graphics, int64_t k) {
        if (!graphics)
                return 0;
        int64_t look = snipe_look(graphics, k);
        if (graphics->logo && logo_await(graphics->logo))
                look |= pack_look(0, 0,
                                  ramp(k, graphics->logo_from_k, graphics->logo_until_k,
                                       rv_tick_at_ms(GRAPHICS_LOGO_FADE_MS, graphics->format.rate)));
        return look;
}

/* --- drawing --- */

static const Overlay *snipe_overlay(Graphics *graphics, int64_t i) {
        if (graphics->made != i) {
                const Overlay *logo = graphics->logo ? logo_await(graphics->logo) : NULL;
                overlay_unref(graphics->snipe);
                graphics->snipe = snipe_make(&graphics->format, graphics->style, &graphics->segment->snipes[i], logo);
                graphics->made = i;
        }
        return graphics->snipe;
}

/* Comes up quickly and settles: 1 - (1 - x)^3. */
static int32_t eased(int32_t level) {
        const int32_t left = OVERLAY_OPAQUE - level;
        return OVERLAY_OPAQUE - left * left / OVERLAY_OPAQUE * left / OVERLAY_OPAQUE;
}

static void draw_snipe(Graphics *graphics, int64_t i, int32_t level, const I420 *into) {
        const Overlay *overlay = snipe_overlay(graphics, i);
        if (!overlay)
                return;
        const int32_t in = eased(level), far = graphics->format.height / 30;
        overlay_blend(overlay, into, (OVERLAY_OPAQUE - in) * far / OVERLAY_OPAQUE / 2 * 2, in);
}

void graphics_draw(Graphics *graphics, int64_t look, const I420 *into) {
        const int32_t logo_level = level_in(look, 0), snipe_level = level_in(look, LEVEL_BITS);
        if (snipe_level > 0)
                draw_snipe(graphics, look >> 2 * LEVEL_BITS, snipe_level, into);
        const Overlay *logo = logo_level > 0 ? logo_await(graphics->logo) : NULL;
        if (logo)
                overlay_blend(logo, into, 0, logo_level);
}
