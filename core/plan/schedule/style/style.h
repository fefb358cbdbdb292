/*
 * Reading how a channel looks and speaks: `sound`, `subtitles`, `graphics` and `signalling` of a channel file over
 * those of _defaults.yaml. Private to schedule: fills a ChannelSpec's style and the graphics of its policy.
 */
#pragma once

#include "core/plan/schedule/reader.h"

/* After identity. defaults may be NULL. Faults and warnings are at their places. */
void style_read(ChannelSpec *spec, const YamlNode *root, const YamlNode *defaults, Diag *diag);

/* --- graphics.c -------------------------------------------------------------------------------------------------- */

/* Nothing, and how it is when only that is said: the logo over programmes, "Next at 21:30" five minutes before the end
 * and the title after ten seconds, both for eight. */
ChannelGraphics channel_graphics_default(void);
void channel_graphics_clear(ChannelGraphics *graphics);
/* One `graphics` over what is there already. */
void graphics_read(ChannelSpec *spec, const YamlNode *graphics, Diag *diag);
/* After all of them: which file the logo is. defaults may be NULL. */
void graphics_settle(ChannelSpec *spec, const YamlNode *root, const YamlNode *defaults, Diag *diag);
/* The path that the text names, relative to the file that it stands in. g_free it. */
char *graphics_path(const YamlNode *node, const char *text);
