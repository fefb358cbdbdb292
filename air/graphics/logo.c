#include "air/graphics/logo.h"

#include "air/graphics/image.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"

/* Of width and height: what every screen shows (SMPTE RP 27.3, "safe title": 90 %). */
#define MARGIN_PERCENT 5

struct Logo {
        HouseFormat format;
        HouseStyle *style;
        int64_t give_up_us;
        gint refs;

        GMutex lock;
        GCond done;
        bool is_read;
        Overlay *overlay; /* NULL: there is none to be had */
};

/* The session's, of which there is one in a process at a time; it is kept until another one asks. */
static GMutex current_lock;
static Logo *current;

static int32_t even(int32_t n) {
        return (n + 1) / 2 * 2;
}

LogoPlace logo_place(const HouseFormat *format, const HouseStyle *style) {
        return (LogoPlace){
                .margin_x = even(format->width * MARGIN_PERCENT / 100),
                .margin_y = even(format->height * MARGIN_PERCENT / 100),
                .height = MAX(2, format->height * style->logo.height_permille / 1000),
        };
}

static Overlay *read_overlay(const HouseFormat *format, const HouseStyle *style, char **ret_fault) {
        const StyleLogo *logo = &style->logo;
        const LogoPlace place = logo_place(format, style);
        const int32_t wide = format->width - 2 * place.margin_x, high = format->height - 2 * place.margin_y;
        g_autoptr(Canvas) canvas = image_load(logo->image_uri, wide, MIN(place.height, high), ret_fault);
        if (!canvas)
                return NULL;
        const bool right = logo->corner == CORNER_TOP_RIGHT || logo->corner == CORNER_BOTTOM_RIGHT;
        const bool bottom = logo->corner == CORNER_BOTTOM_LEFT || logo->corner == CORNER_BOTTOM_RIGHT;
        const int32_t x = right ? format->width - place.margin_x - even(canvas->width) : place.margin_x;
        const int32_t y = bottom ? format->height - place.margin_y - even(canvas->height) : place.margin_y;
        Overlay *overlay = overlay_new(canvas, x, y, format->height, logo->opacity_percent);
        if (!overlay)
                *ret_fault = g_strdup("it is transparent altogether");
        return overlay;
}

static void finish(Logo *logo, Overlay *overlay, const char *fault) {
        if (!overlay)
                rv_warning("graphics.no_logo", RV_S("uri", logo->style->logo.image_uri), RV_S("detail", fault));
        g_mutex_lock(&logo->lock);
        logo->overlay = overlay;
        logo->is_read = true;
        g_cond_broadcast(&logo->done);
        g_mutex_unlock(&logo->lock);
}

static void read_logo(void *user) {
        Logo *logo = user;
        g_autofree char *fault = NULL;
        Overlay *overlay = read_overlay(&logo->format, logo->style, &fault);
        finish(logo, overlay, fault);
        logo_unref(logo);
}

static Logo *begin(const HouseFormat *format, const HouseStyle *style) {
        Logo *logo = g_new0(Logo, 1);
        logo->format = *format;
        logo->style = house_style_ref(style);
        logo->give_up_us = rv_clock_mono_ns(rv_clock_system()) / 1000 + LOGO_WAIT_MS * 1000;
        logo->refs = 2; /* the session's and the thread's */
        g_mutex_init(&logo->lock);
        g_cond_init(&logo->done);
        g_autoptr(GError) error = NULL;
        RvThread *thread = rv_thread_start("logo", RV_PRIORITY_PRODUCER, read_logo, logo, &error);
        if (thread) {
                rv_thread_detach(thread);
        } else {
                finish(logo, NULL, error->message);
                logo_unref(logo);
        }
        return logo;
}

Logo *logo_get(const HouseFormat *format, const HouseStyle *style) {
        if (!style->logo.image_uri)
                return NULL;
        g_mutex_lock(&current_lock);
        if (!current || current->style != style || current->format.width != format->width ||
            current->format.height != format->height) { /* INV-GRAPHICS-007: once a session */
                logo_unref(current);
                current = begin(format, style);
        }
        g_atomic_int_inc(&current->refs);
        Logo *logo = current;
        g_mutex_unlock(&current_lock);
        return logo;
}

void logo_unref(Logo *logo) {
        if (!logo || !g_atomic_int_dec_and_test(&logo->refs))
                return;
        overlay_unref(logo->overlay);
        house_style_unref(logo->style);
        g_mutex_clear(&logo->lock);
        g_cond_clear(&logo->done);
        g_free(logo);
}

const Overlay *logo_await(Logo *logo) {
        g_mutex_lock(&logo->lock);
        while (!logo->is_read && g_cond_wait_until(&logo->done, &logo->lock, logo->give_up_us))
                ;
        const Overlay *overlay = logo->overlay;
        g_mutex_unlock(&logo->lock);
        return overlay;
}
