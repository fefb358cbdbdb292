/*
 * The house style: how a channel speaks to its viewers beside the programmes. Chosen per channel in its YAML file,
 * fixed for a session. Immutable and reference-counted after construction: any thread may read it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/playout.pb-c.h"

/* When subtitles of the material become part of the picture; forced ones always do. */
typedef enum {
        SUBTITLES_NEVER = 1,
        SUBTITLES_FOREIGN, /* when the sound is in none of the channel's languages */
        SUBTITLES_ALWAYS,
} SubtitlePolicy;

typedef enum { CORNER_TOP_LEFT = 1, CORNER_TOP_RIGHT, CORNER_BOTTOM_LEFT, CORNER_BOTTOM_RIGHT } Corner;

/* What is shown in place of a picture that should be there and is not. */
typedef enum {
        SLATE_OFF = 1,  /* black */
        SLATE_OPERATOR, /* which segment of which file it is, and why it is not shown */
        SLATE_ON,       /* the channel's name, and that it will be back */
} SlateMode;

typedef struct {
        char *image_uri; /* absolute path of a picture file; NULL: there is no logo */
        Corner corner;
        int32_t opacity_percent; /* 1..100 */
        int32_t height_permille; /* 10..500 of the house's height; it keeps its shape */
} StyleLogo;

typedef struct {
        char *channel_name;     /* for people */
        char **sound_languages; /* ISO 639-2/T, the best one first, NULL-terminated; none: as the file prefers */
        SubtitlePolicy subtitles;
        char **subtitle_languages; /* likewise; none: the sound languages */
        StyleLogo logo;
        SlateMode slate;
        bool splices;       /* SCTE 35 messages say where breaks begin and end */
        int32_t service_id; /* 1..65535: in the DVB tables */
        gint refs;          /* private, atomic */
} HouseStyle;

/* No name, no wishes, no logo, slate off: to be filled in by its maker before anybody else sees it. Each text and list
 * is g_malloc'ed and the style's. */
HouseStyle *house_style_new(void);
HouseStyle *house_style_ref(const HouseStyle *style);
void house_style_unref(HouseStyle *style);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HouseStyle, house_style_unref)

/* NULL when it can be put on the air, else a static sentence that says what cannot. */
const char *house_style_fault(const HouseStyle *style);

/* The message borrows from the style, which must outlive it; free with house_style_message_free. */
Retrovue__Playout__V1__HouseStyle *house_style_to_message(const HouseStyle *style);
void house_style_message_free(Retrovue__Playout__V1__HouseStyle *message);
/* That of house_style_new when the message is NULL; NULL when a text is not UTF-8 or house_style_fault finds one. */
HouseStyle *house_style_from_message(const Retrovue__Playout__V1__HouseStyle *message);
