#include "air/producer/picture/picture.h"
#include "air/producer/producer.h"

/* The one for every hole, the one on the air, the one to come, and one that the output has not let go of yet. */
#define PICTURES 4

struct Slates {
        HouseFormat format;
        HouseStyle *style;
        PicturePool *pool;
        atomic_bool ended;
};

Slates *slates_new(const HouseFormat *format, const HouseStyle *style) {
        g_assert(style->slate != SLATE_OFF);
        Slates *slates = g_new0(Slates, 1);
        slates->format = *format;
        slates->style = house_style_ref(style);
        slates->pool = picture_pool_new(format->width, format->height, PICTURES);
        return slates;
}

void slates_free(Slates *slates) {
        if (!slates)
                return;
        picture_pool_release(slates->pool);
        house_style_unref(slates->style);
        g_free(slates);
}

Picture *slates_draw(Slates *slates, const SlateCause *cause) {
        Picture *picture = picture_pool_take(slates->pool, &slates->ended);
        if (!picture)
                return NULL;
        const I420 view = picture_view(picture);
        graphics_slate(&slates->format, slates->style, cause, &view);
        return picture;
}

void slates_end(Slates *slates) {
        atomic_store(&slates->ended, true);
        wake_up(picture_pool_wake(slates->pool));
}
