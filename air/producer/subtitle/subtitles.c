#include "air/producer/subtitle/subtitles.h"

#include <string.h>

#include "air/graphics/text.h"
#include "air/producer/subtitle/beside.h"
#include "air/producer/subtitle/bitmap.h"
#include "air/producer/subtitle/reader.h"
#include "air/producer/track/stream.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#define MAX_TRACKS 128
/* Embedded in the film, of all its fonts. */
#define MAX_FONT_BYTES ((size_t)64 * 1024 * 1024)
/* Drawing that takes so long so often is given up. The first look at the system's fonts counts, too. */
#define SLOW_NS INT64_C(300000000)
#define SLOW_TIMES 3

struct Subtitles {
        SubtitlesOptions options;
        BesideFile file;    /* with a name: they are in a file of their own */
        BesideText *beside; /* the same, as long as it is being read */
        Reader *reader;
        Events *events;
        ReaderClock clock;
        AVPacket *packet;
        bool forced_only;

        SubtitlesFrame frame; /* that text and overlay are for */
        Text *text;
        Overlay *overlay; /* a reference; NULL: nothing to be seen */
        uint32_t look, text_look, looks;
        bool moves; /* looks different from tick to tick */
        int slow;
        bool off, warned;
};

/* ---- choice ------------------------------------------------------------------------------------------------- */

typedef struct {
        Track tracks[MAX_TRACKS];
        int stream[MAX_TRACKS]; /* -1: beside[...] */
        size_t file[MAX_TRACKS];
        size_t n;
        GArray *beside; /* of BesideFile */
} Offer;

static void list_streams(Offer *offer, const AVFormatContext *format) {
        for (unsigned i = 0; i < format->nb_streams && offer->n < MAX_TRACKS; i++) {
                const AVStream *stream = format->streams[i];
                if (stream->codecpar->codec_type != AVMEDIA_TYPE_SUBTITLE ||
                    stream->codecpar->codec_id == AV_CODEC_ID_DVB_TELETEXT ||
                    stream->codecpar->codec_id == AV_CODEC_ID_EIA_608 ||
                    !avcodec_find_decoder(stream->codecpar->codec_id))
                        continue;
                offer->tracks[offer->n] = track_of_stream(stream);
                offer->stream[offer->n++] = (int)i;
        }
}

static void list_files(Offer *offer) {
        for (guint i = 0; i < offer->beside->len && offer->n < MAX_TRACKS; i++) {
                offer->tracks[offer->n] = g_array_index(offer->beside, BesideFile, i).track;
                offer->stream[offer->n] = -1;
                offer->file[offer->n++] = i;
        }
}

static SubtitleChoice choose(const SubtitlesOptions *options, const Offer *offer) {
        const AVStream *sound = demux_stream(options->demux, DEMUX_AUDIO);
        const Track heard = sound ? track_of_stream(sound) : (Track){0};
        const HouseStyle *style = options->style;
        const SubtitleWishes wishes = {
                .policy = style ? style->subtitles : SUBTITLES_NEVER,
                .sound_wishes = style ? style->sound_languages : NULL,
                .wishes = style ? style->subtitle_languages : NULL,
                .sound_language = heard.language,
        };
        return track_choose_subtitles(offer->tracks, offer->n, &wishes);
}

static int frame_height(const SubtitlesOptions *options) {
        const AVStream *video = demux_stream(options->demux, DEMUX_VIDEO);
        return video ? video->codecpar->height : 0;
}

static void warn(Subtitles *subtitles, const char *detail) {
        if (!subtitles->warned)
                rv_warning("producer.subtitles", RV_S("uri", subtitles->options.segment->asset_uri),
                           RV_S("file", subtitles->file.name ? subtitles->file.name : ""), RV_S("detail", detail));
        subtitles->warned = true;
}

/* False: they cannot be read. */
static bool open_track(Subtitles *subtitles, int stream) {
        const SubtitlesOptions *options = &subtitles->options;
        const AVStream *from;
        if (stream >= 0) {
                demux_use_subtitles(options->demux, stream);
                from = demux_format(options->demux)->streams[stream];
        } else {
                Fault fault = {0};
                subtitles->beside = beside_open(options->segment->asset_uri, &subtitles->file, options->abort, &fault);
                if (!subtitles->beside) {
                        warn(subtitles, fault.detail);
                        return false;
                }
                from = beside_stream(subtitles->beside);
        }
        subtitles->reader = reader_new(from, frame_height(options));
        if (!subtitles->reader) {
                warn(subtitles, "there is no decoder");
                return false;
        }
        if (subtitles->forced_only)
                reader_set_forced_only(subtitles->reader);
        return true;
}

Subtitles *subtitles_open(const SubtitlesOptions *options) {
        if (!demux_stream(options->demux, DEMUX_VIDEO))
                return NULL;
        g_autofree Offer *offer = g_new0(Offer, 1);
        g_autoptr(GArray) beside = beside_find(options->segment->asset_uri, options->abort);
        offer->beside = beside;
        list_streams(offer, demux_format(options->demux));
        list_files(offer);
        const SubtitleChoice choice = choose(options, offer);
        if (choice.track < 0)
                return NULL;
        g_autoptr(Subtitles) subtitles = g_new0(Subtitles, 1);
        subtitles->options = *options;
        subtitles->forced_only = choice.forced_only;
        subtitles->events = events_new();
        subtitles->packet = av_packet_alloc();
        g_assert(subtitles->packet);
        const int stream = offer->stream[choice.track];
        if (stream < 0) {
                subtitles->file = g_array_index(beside, BesideFile, offer->file[choice.track]);
                subtitles->file.name = g_strdup(subtitles->file.name);
        }
        return open_track(subtitles, stream) ? g_steal_pointer(&subtitles) : NULL;
}

void subtitles_free(Subtitles *subtitles) {
        if (!subtitles)
                return;
        text_free(subtitles->text);
        overlay_unref(subtitles->overlay);
        reader_free(subtitles->reader);
        beside_close(subtitles->beside);
        events_free(subtitles->events);
        av_packet_free(&subtitles->packet);
        g_free(subtitles->file.name);
        g_free(subtitles);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static void read_waiting(Subtitles *subtitles) {
        while (demux_waiting(subtitles->options.demux, DEMUX_SUBTITLES, subtitles->packet))
                reader_read(subtitles->reader, subtitles->packet, &subtitles->clock, subtitles->events);
        if (reader_damaged(subtitles->reader))
                warn(subtitles, "some cannot be decoded");
        if (events_left_out(subtitles->events))
                warn(subtitles, "there are too many, or too long ones");
}

void subtitles_start(Subtitles *subtitles, MediaTime zero, int64_t offset_ms) {
        const RvRational rate = subtitles->options.rate;
        subtitles->clock = (ReaderClock){zero, offset_ms, rate};
        if (!subtitles->beside)
                return;
        subtitles->clock = (ReaderClock){{0, 1}, subtitles->options.segment->asset_start_offset_ms, rate};
        while (beside_next(subtitles->beside, subtitles->packet))
                reader_read(subtitles->reader, subtitles->packet, &subtitles->clock, subtitles->events);
}

void subtitles_look_back(Subtitles *subtitles, int64_t container_us) {
        if (subtitles->beside)
                return;
        demux_look_back(subtitles->options.demux, container_us);
        reader_flush(subtitles->reader);
        read_waiting(subtitles);
}

/* ---- drawing ------------------------------------------------------------------------------------------------ */

static bool is_font(const AVStream *stream) {
        const AVDictionaryEntry *type = av_dict_get(stream->metadata, "mimetype", NULL, 0);
        const enum AVCodecID codec = stream->codecpar->codec_id;
        return stream->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT &&
               (codec == AV_CODEC_ID_TTF || codec == AV_CODEC_ID_OTF || (type && strstr(type->value, "font")));
}

static void add_fonts(const Subtitles *subtitles) {
        const AVFormatContext *format = demux_format(subtitles->options.demux);
        size_t bytes = 0;
        for (unsigned i = 0; i < format->nb_streams; i++) {
                const AVCodecParameters *font = format->streams[i]->codecpar;
                const AVDictionaryEntry *name = av_dict_get(format->streams[i]->metadata, "filename", NULL, 0);
                if (!is_font(format->streams[i]) || font->extradata_size <= 0)
                        continue;
                bytes += (size_t)font->extradata_size;
                if (bytes <= MAX_FONT_BYTES) /* INV-SUBTITLE-002 */
                        text_add_font(subtitles->text, name ? name->value : "", font->extradata,
                                      (size_t)font->extradata_size);
        }
}

static bool is_alike(const SubtitlesFrame *a, const SubtitlesFrame *b) {
        return a->at.x == b->at.x && a->at.y == b->at.y && a->at.width == b->at.width && a->at.height == b->at.height &&
               a->source_width == b->source_width && a->source_height == b->source_height;
}

/* Text is set for the programme's picture alone, so that positions mean what they did to their author. */
static bool make_text(Subtitles *subtitles) {
        if (subtitles->text)
                return true;
        subtitles->text = text_new(subtitles->frame.at.width, subtitles->frame.at.height);
        if (!subtitles->text)
                return false;
        const SubtitlesFrame *frame = &subtitles->frame;
        g_autofree char *header = reader_header(subtitles->reader, frame->at.height, frame->house_height);
        add_fonts(subtitles);
        text_set_header(subtitles->text, header, strlen(header));
        subtitles->text_look = 0;
        return true;
}

static int64_t ms_at(const Subtitles *subtitles, int64_t k) {
        const RvRational rate = subtitles->options.rate;
        return rv_mul_div_floor(MIN(k, INT64_C(1) << 40), INT64_C(1000) * rate.den, rate.num);
}

/* Tags that make a line move, fade or sing, and effects, which are whole words between commas. */
static bool is_moving(const char *line) {
        static const char *const tags[] = {"\\t", "\\mo", "\\fad", "\\k", "\\K", "Scroll", "Banner"};
        for (size_t i = 0; i < G_N_ELEMENTS(tags); i++)
                if (strstr(line, tags[i]))
                        return true;
        return false;
}

static void set_text(Subtitles *subtitles, const Event *const *events, size_t n) {
        text_forget_events(subtitles->text);
        subtitles->moves = false;
        for (size_t i = 0; i < n; i++) {
                const int64_t start_ms = ms_at(subtitles, events[i]->start_tick);
                text_add_event(subtitles->text, events[i]->line, start_ms,
                               ms_at(subtitles, events[i]->end_tick) - start_ms);
                subtitles->moves |= is_moving(events[i]->line);
        }
}

static void take_overlay(Subtitles *subtitles, Overlay *overlay) {
        overlay_unref(subtitles->overlay);
        subtitles->overlay = overlay;
        subtitles->look = overlay ? ++subtitles->looks : 0;
}

static void draw_text(Subtitles *subtitles, int64_t k) {
        uint32_t look = 0;
        const Overlay *overlay = text_at(subtitles->text, ms_at(subtitles, k), &look);
        if (overlay && look == subtitles->text_look && subtitles->overlay)
                return;
        subtitles->text_look = look;
        take_overlay(subtitles, overlay ? overlay_ref(overlay) : NULL);
}

static void draw(Subtitles *subtitles, const Event *const *events, size_t n, int64_t k) {
        if (n == 0) {
                take_overlay(subtitles, NULL);
                subtitles->moves = false;
                return;
        }
        if (!events[0]->line) {
                const SubtitlesFrame *frame = &subtitles->frame;
                take_overlay(subtitles,
                             bitmap_overlay(events, n,
                                            &(BitmapFrame){frame->at.width, frame->at.height, frame->source_width,
                                                           frame->source_height, frame->house_height}));
                return;
        }
        if (!make_text(subtitles))
                return;
        set_text(subtitles, events, n);
        draw_text(subtitles, k);
}

/* INV-SUBTITLE-002: what cannot be drawn in time is not drawn at all. */
static void judge(Subtitles *subtitles, int64_t began_ns) {
        subtitles->slow += rv_clock_mono_ns(rv_clock_system()) - began_ns > SLOW_NS;
        if (subtitles->slow < SLOW_TIMES)
                return;
        warn(subtitles, "they take too long to draw");
        subtitles->off = true;
        take_overlay(subtitles, NULL);
}

uint32_t subtitles_at(Subtitles *subtitles, int64_t k, const SubtitlesFrame *frame) {
        const Event *const *events;
        size_t n;
        if (!subtitles->beside)
                read_waiting(subtitles);
        if (subtitles->off)
                return 0;
        bool changed = events_at(subtitles->events, k, &events, &n);
        if (!is_alike(frame, &subtitles->frame)) {
                g_clear_pointer(&subtitles->text, text_free);
                subtitles->frame = *frame;
                changed = true;
        }
        if (!changed && !subtitles->moves)
                return subtitles->look;
        const int64_t began_ns = rv_clock_mono_ns(rv_clock_system());
        if (changed)
                draw(subtitles, events, n, k);
        else
                draw_text(subtitles, k);
        judge(subtitles, began_ns);
        return subtitles->look;
}

/* The window of the house picture in which the programme's is. */
void subtitles_draw(const Subtitles *subtitles, Picture *into) {
        const PlaceRect *at = &subtitles->frame.at;
        I420 window = picture_view(into);
        window.width = at->width;
        window.height = at->height;
        for (int i = 0; i < I420_PLANES; i++) {
                const int scale = i ? 2 : 1;
                window.plane[i] += (ptrdiff_t)(at->y / scale) * window.stride[i] + at->x / scale;
        }
        if (subtitles->overlay)
                overlay_blend(subtitles->overlay, &window, 0, OVERLAY_OPAQUE);
}
