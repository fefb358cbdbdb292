/*
 * Logo: the channel's picture in its corner, read once a session on a thread of its own: a file system that hangs may
 * cost the logo, never the programme. Any thread.
 */
#pragma once

#include "air/graphics/blend.h"
#include "proto/house/house_format.h"
#include "proto/house/house_style.h"

/* From the beginning of reading on, the logo is waited for so long; after that it appears when it is there. */
#define LOGO_WAIT_MS 1000

typedef struct Logo Logo;

/* That of the session: whoever asks first for a style and size begins to read. NULL: the style has none. Free with
 * logo_unref. */
Logo *logo_get(const HouseFormat *format, const HouseStyle *style);
void logo_unref(Logo *logo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Logo, logo_unref)

/* Waits as said above. NULL: not there (yet); else valid as long as the logo. */
const Overlay *logo_await(Logo *logo);

/* Where logos are: no higher than this, and no nearer to the edge. */
typedef struct {
        int32_t margin_x, margin_y, height;
} LogoPlace;

LogoPlace logo_place(const HouseFormat *format, const HouseStyle *style);
