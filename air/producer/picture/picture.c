#include "air/producer/picture/picture.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "air/producer/timing.h"

#define ALIGNMENT 64
/* swscale's vector code may write a little past the end of the last row. */
#define TAIL_BYTES 64

#define BLACK_LUMA 16
#define BLACK_CHROMA 128

struct Picture {
        atomic_int refs;   /* 0: free for the pool's owner to take */
        PicturePool *pool; /* NULL: black, lives for ever */
        const PictureLayout *layout;
        uint8_t *data; /* NULL until first taken, and after a rest */
        bool rested;   /* the owner's: not taken since the last sweep */
};

struct PicturePool {
        atomic_int refs; /* the owner and each picture in use */
        PictureLayout layout;
        Wake wake;
        unsigned capacity;
        unsigned takes; /* the owner's: since the last sweep */
        Picture pictures[];
};

static uint8_t *new_data(const PictureLayout *layout) {
        return g_aligned_alloc(1, (layout->size + TAIL_BYTES + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, ALIGNMENT);
}

const PictureLayout *picture_get_layout(const Picture *picture) {
        return picture->layout;
}

uint8_t *picture_plane(Picture *picture, int plane) {
        return picture->data + picture->layout->offset[plane];
}

I420 picture_view(Picture *picture) {
        I420 view = {.width = picture->layout->width, .height = picture->layout->height};
        for (int plane = 0; plane < PICTURE_PLANES; plane++) {
                view.plane[plane] = picture_plane(picture, plane);
                view.stride[plane] = picture->layout->stride[plane];
        }
        return view;
}

const uint8_t *picture_data(const Picture *picture) {
        return picture->data;
}

size_t picture_size(const Picture *picture) {
        return picture->layout->size;
}

static void pool_unref(PicturePool *pool) {
        if (atomic_fetch_sub(&pool->refs, 1) != 1)
                return;
        for (unsigned i = 0; i < pool->capacity; i++)
                g_aligned_free(pool->pictures[i].data);
        wake_clear(&pool->wake);
        g_free(pool);
}

Picture *picture_ref(Picture *picture) {
        atomic_fetch_add_explicit(&picture->refs, 1, memory_order_relaxed);
        return picture;
}

void picture_unref(Picture *picture) {
        if (!picture || atomic_fetch_sub(&picture->refs, 1) != 1 || !picture->pool)
                return;
        wake_up(&picture->pool->wake);
        pool_unref(picture->pool);
}

PicturePool *picture_pool_new(int32_t width, int32_t height, unsigned capacity) {
        PicturePool *pool = g_malloc0(sizeof(*pool) + capacity * sizeof(Picture));
        atomic_init(&pool->refs, 1);
        pool->layout = house_picture_layout(width, height);
        pool->capacity = capacity;
        wake_init(&pool->wake);
        for (unsigned i = 0; i < capacity; i++) {
                pool->pictures[i].pool = pool;
                pool->pictures[i].layout = &pool->layout;
        }
        return pool;
}

void picture_pool_release(PicturePool *pool) {
        if (pool)
                pool_unref(pool);
}

Wake *picture_pool_wake(PicturePool *pool) {
        return &pool->wake;
}

/* INV-PRODUCER-009. Only the owner takes, so one that is free stays so meanwhile. */
static void give_back(PicturePool *pool, bool all) {
        for (unsigned i = 0; i < pool->capacity; i++) {
                Picture *picture = &pool->pictures[i];
                if ((all || picture->rested) && atomic_load(&picture->refs) == 0)
                        g_clear_pointer(&picture->data, g_aligned_free);
                picture->rested = true;
        }
        pool->takes = 0;
}

void picture_pool_trim(PicturePool *pool) {
        give_back(pool, true);
}

/* INV-PRODUCER-009: no more than capacity pictures, whatever the users keep. */
static Picture *take_free(PicturePool *pool) {
        for (unsigned i = 0; i < pool->capacity; i++) {
                Picture *picture = &pool->pictures[i];
                if (atomic_load(&picture->refs) != 0)
                        continue;
                atomic_fetch_add(&pool->refs, 1);
                atomic_store(&picture->refs, 1);
                picture->rested = false;
                if (!picture->data)
                        picture->data = new_data(&pool->layout);
                if (++pool->takes >= PICTURES_REST)
                        give_back(pool, false);
                return picture;
        }
        return NULL;
}

Picture *picture_pool_take(PicturePool *pool, const atomic_bool *abort) {
        for (;;) {
                Picture *picture = take_free(pool);
                if (picture || atomic_load(abort))
                        return picture;
                wake_announce(&pool->wake);
                picture = take_free(pool);
                if (picture || atomic_load(abort)) {
                        wake_cancel(&pool->wake);
                        return picture;
                }
                wake_wait(&pool->wake);
        }
}

static void fill_rows(Picture *picture, int plane, int32_t from, int32_t to) {
        const size_t stride = (size_t)picture->layout->stride[plane];
        memset(picture_plane(picture, plane) + stride * (size_t)from, plane ? BLACK_CHROMA : BLACK_LUMA,
               stride * (size_t)(to - from));
}

static void fill_sides(Picture *picture, int plane, const int32_t rect[4]) {
        const size_t stride = (size_t)picture->layout->stride[plane];
        const int black = plane ? BLACK_CHROMA : BLACK_LUMA;
        const size_t right = (size_t)rect[0] + (size_t)rect[2];
        for (int32_t y = rect[1]; y < rect[1] + rect[3]; y++) {
                uint8_t *row = picture_plane(picture, plane) + stride * (size_t)y;
                memset(row, black, (size_t)rect[0]);
                memset(row + right, black, stride - right);
        }
}

void picture_fill_border(Picture *picture, int32_t x, int32_t y, int32_t width, int32_t height) {
        for (int plane = 0; plane < PICTURE_PLANES; plane++) {
                const int32_t scale = plane ? 2 : 1;
                const int32_t rect[4] = {x / scale, y / scale, width / scale, height / scale};
                fill_rows(picture, plane, 0, rect[1]);
                fill_sides(picture, plane, rect);
                fill_rows(picture, plane, rect[1] + rect[3], picture->layout->height / scale);
        }
}

void picture_darken(Picture *into, const Picture *from, int32_t level) {
        const PictureLayout *layout = from->layout;
        uint8_t luma[256], chroma[256];
        for (int32_t i = 0; i < 256; i++) {
                luma[i] = (uint8_t)(BLACK_LUMA + (MAX(i - BLACK_LUMA, 0) * level + TIMING_FULL / 2) / TIMING_FULL);
                chroma[i] = (uint8_t)(BLACK_CHROMA + ((i - BLACK_CHROMA) * level) / TIMING_FULL);
        }
        for (size_t i = 0; i < layout->offset[1]; i++)
                into->data[i] = luma[from->data[i]];
        for (size_t i = layout->offset[1]; i < layout->size; i++)
                into->data[i] = chroma[from->data[i]];
}

static Picture *new_black(int32_t width, int32_t height) {
        Picture *picture = g_new0(Picture, 1);
        PictureLayout *layout = g_new(PictureLayout, 1);
        *layout = house_picture_layout(width, height);
        picture->layout = layout;
        picture->data = new_data(layout);
        atomic_init(&picture->refs, 1);
        picture_fill_border(picture, 0, 0, 0, 0);
        return picture;
}

Picture *picture_black(int32_t width, int32_t height) {
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        static GHashTable *by_size; /* width << 16 | height -> Picture */
        pthread_mutex_lock(&lock);
        if (!by_size)
                by_size = g_hash_table_new(g_direct_hash, g_direct_equal);
        gpointer key = GINT_TO_POINTER(width << 16 | height);
        Picture *picture = g_hash_table_lookup(by_size, key);
        if (!picture) {
                picture = new_black(width, height);
                g_hash_table_insert(by_size, key, picture);
        }
        pthread_mutex_unlock(&lock);
        return picture_ref(picture);
}
