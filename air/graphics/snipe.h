/* Snipe: a line or two of text on a plate in the lower third. */
#pragma once

#include "air/graphics/blend.h"
#include "proto/block_plan/block_plan.h"
#include "proto/house/house_format.h"
#include "proto/house/house_style.h"

/* NULL: there is no type to set it in. A logo (may be NULL) in a lower corner is not covered. */
Overlay *snipe_make(const HouseFormat *format, const HouseStyle *style, const BlockSnipe *snipe, const Overlay *logo);
