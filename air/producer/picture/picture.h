/*
 * Pictures: the memory behind cell.h. A producer has a pool of them; a picture goes back to its pool when the last
 * reference is dropped, by whatever thread, without a lock. A pool lives until its owner and all its pictures are gone.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "air/graphics/blend.h"
#include "air/producer/cell.h"
#include "air/producer/wake.h"
#include "proto/house/house_format.h"

const PictureLayout *picture_get_layout(const Picture *picture);
/* Only for the maker, before anybody else holds a reference. */
uint8_t *picture_plane(Picture *picture, int plane);
I420 picture_view(Picture *picture);

#define PICTURES_REST 256

typedef struct PicturePool PicturePool;

/* At most capacity pictures exist at once; memory is taken when first needed. */
PicturePool *picture_pool_new(int32_t width, int32_t height, unsigned capacity);
/* The owner lets go. */
void picture_pool_release(PicturePool *pool);
/* Told when a picture comes back; the owner may wake itself with it for reasons of its own. Lives as long as the pool.
 */
Wake *picture_pool_wake(PicturePool *pool);

/* Owner's thread only. Content undefined. Waits while all are in use; NULL when *abort is set (and the pool woken).
 * Memory that PICTURES_REST takes had no need of goes back to the system. */
Picture *picture_pool_take(PicturePool *pool, const atomic_bool *abort);
/* Owner's thread only: nothing will be taken for some time. Memory of pictures that nobody holds goes back to the
 * system. */
void picture_pool_trim(PicturePool *pool);

/* The rectangle outside (x, y, width, height), all even, becomes black. */
void picture_fill_border(Picture *picture, int32_t x, int32_t y, int32_t width, int32_t height);
/* into = from moved towards black; level 0..TIMING_FULL. Same layout. */
void picture_darken(Picture *into, const Picture *from, int32_t level);
/* One black picture per size, kept for the life of the program. A new reference. Any thread. */
Picture *picture_black(int32_t width, int32_t height);
