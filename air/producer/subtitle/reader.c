#include "air/producer/subtitle/reader.h"

#include <string.h>

/* A canvas of more is refused. */
#define MAX_CANVAS_PIXELS ((int64_t)4096 * 2304)
#define MAX_TEXT_BYTES (256 * 1024)
/* Text that does not say when it ends. */
#define LASTING_MS 4000
/* Packets that are known to have been read. */
#define SEEN_MOST 20000

/*
 * How text without a style of its own looks: 17 of the house's 288 lines high, whatever part of them the picture has,
 * in the area that every set shows (EBU R 95: 5 % from the top and bottom, 10 % from the sides).
 */
#define PLAIN_SIZE 17
#define PLAIN_HEADER                                                                                                   \
        "[Script Info]\nScriptType: v4.00+\nPlayResX: 384\nPlayResY: 288\nScaledBorderAndShadow: yes\nWrapStyle: "     \
        "0\n\n"                                                                                                        \
        "[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, "  \
        "Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, "           \
        "Alignment, "                                                                                                  \
        "MarginL, MarginR, MarginV, Encoding\nStyle: Default,sans-serif,%d,&H00FFFFFF,&H00FFFFFF,&H00000000,"          \
        "&H80000000,0,0,0,0,100,100,0,0,1,1.2,0.5,2,38,38,16,1\n\n[Events]\n"                                          \
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"

struct Reader {
        AVCodecContext *codec;
        const AVStream *stream;
        int canvas_width, canvas_height; /* when the track does not say */
        bool text, forced_only;
        GHashTable *seen; /* of int64_t: what packets were */
        GRegex *foreign;  /* in MP4: fonts and sizes for a box of unknown size */
        unsigned damaged;
};

static bool is_text(const AVStream *stream) {
        const AVCodecDescriptor *codec = avcodec_descriptor_get(stream->codecpar->codec_id);
        return codec && codec->props & AV_CODEC_PROP_TEXT_SUB;
}

static bool open_codec(Reader *reader) {
        const AVCodecParameters *parameters = reader->stream->codecpar;
        const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
        if (!codec || codec->type != AVMEDIA_TYPE_SUBTITLE)
                return false;
        reader->codec = avcodec_alloc_context3(codec);
        g_assert(reader->codec);
        if (avcodec_parameters_to_context(reader->codec, parameters) < 0)
                return false;
        reader->codec->pkt_timebase = reader->stream->time_base;
        reader->codec->max_pixels = MAX_CANVAS_PIXELS; /* INV-SUBTITLE-002 */
        return avcodec_open2(reader->codec, codec, NULL) >= 0;
}

Reader *reader_new(const AVStream *stream, int frame_height) {
        g_autoptr(Reader) reader = g_new0(Reader, 1);
        reader->stream = stream;
        reader->text = is_text(stream);
        reader->canvas_width = 720;
        reader->canvas_height = frame_height == 480 || frame_height == 240 ? 480 : 576;
        reader->seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        if (stream->codecpar->codec_id == AV_CODEC_ID_MOV_TEXT)
                reader->foreign = g_regex_new("\\{\\\\f[ns][^}]*\\}", 0, 0, NULL);
        return open_codec(reader) ? g_steal_pointer(&reader) : NULL;
}

void reader_free(Reader *reader) {
        if (!reader)
                return;
        avcodec_free_context(&reader->codec);
        g_hash_table_unref(reader->seen);
        g_clear_pointer(&reader->foreign, g_regex_unref);
        g_free(reader);
}

void reader_set_forced_only(Reader *reader) {
        reader->forced_only = true;
}

static bool was_seen(Reader *reader, const AVPacket *packet) {
        if (g_hash_table_size(reader->seen) >= SEEN_MOST)
                g_hash_table_remove_all(reader->seen);
        guint hash = 5381;
        for (int i = 0; i < packet->size; i++)
                hash = hash * 33 + packet->data[i];
        int64_t *key = g_new(int64_t, 1);
        *key = (int64_t)((uint64_t)packet->pts << 32 ^ hash);
        return !g_hash_table_add(reader->seen, key);
}

/* INV-SUBTITLE-004 */
static int64_t tick_of(const Reader *reader, int64_t pts, int64_t ms, const ReaderClock *clock) {
        const AVRational base = reader->stream->time_base;
        const MediaTime time = {pts * base.num, base.den};
        return timing_tick_since(time, clock->zero, clock->offset_ms - ms, clock->rate);
}

static void add_line(Reader *reader, const char *ass, Event *event, Events *events) {
        if (reader->foreign)
                event->line = g_regex_replace_literal(reader->foreign, ass, -1, 0, "", 0, NULL);
        else if (g_utf8_validate(ass, -1, NULL))
                event->line = g_strdup(ass);
        else
                event->line = g_utf8_make_valid(ass, -1);
        if (event->line)
                events_add(events, event);
}

static void add_text(Reader *reader, const AVSubtitle *said, const AVPacket *packet, Event span, Events *events) {
        for (unsigned i = 0; i < said->num_rects; i++)
                if (said->rects[i]->ass && (!reader->forced_only || said->rects[i]->flags & AV_SUBTITLE_FLAG_FORCED)) {
                        Event event = span;
                        add_line(reader, said->rects[i]->ass, &event, events);
                }
}

static bool is_left_out(const Reader *reader, const AVSubtitleRect *rect) {
        const bool empty = rect->type != SUBTITLE_BITMAP || rect->w <= 0 || rect->h <= 0 || !rect->data[0] ||
                           !rect->data[1] || rect->linesize[0] < rect->w;
        return empty || (reader->forced_only && !(rect->flags & AV_SUBTITLE_FLAG_FORCED));
}

static void free_rect(AVSubtitleRect *rect) {
        AVSubtitle only = {.num_rects = 1, .rects = av_malloc(sizeof(AVSubtitleRect *))};
        g_assert(only.rects);
        only.rects[0] = rect;
        avsubtitle_free(&only);
}

static void add_pictures(Reader *reader, AVSubtitle *said, Event span, Events *events) {
        unsigned kept = 0;
        for (unsigned i = 0; i < said->num_rects; i++)
                if (is_left_out(reader, said->rects[i]))
                        free_rect(said->rects[i]);
                else
                        said->rects[kept++] = said->rects[i];
        said->num_rects = kept;
        const AVCodecContext *codec = reader->codec;
        const bool sized = codec->width > 0 && codec->height > 0;
        span.pictures = *said;
        span.canvas_width = sized ? codec->width : reader->canvas_width;
        span.canvas_height = sized ? codec->height : reader->canvas_height;
        *said = (AVSubtitle){0};
        events_add(events, &span);
}

/* From its stamp on, as long as it says, or its packet; if neither does, pictures until the next ones come. */
static Event span_of(const Reader *reader, const AVSubtitle *said, const AVPacket *packet, const ReaderClock *clock) {
        const int64_t from = packet->pts;
        const uint32_t from_ms = said->start_display_time, until_ms = said->end_display_time;
        Event span = {.start_tick = tick_of(reader, from, from_ms, clock), .end_tick = INT64_MAX};
        if (!reader->text && until_ms > from_ms && until_ms < UINT32_MAX)
                span.end_tick = tick_of(reader, from, until_ms, clock);
        else if (packet->duration > 0)
                span.end_tick = tick_of(reader, from + packet->duration, 0, clock);
        else if (reader->text)
                span.end_tick = tick_of(reader, from, LASTING_MS, clock);
        return span;
}

void reader_read(Reader *reader, AVPacket *packet, const ReaderClock *clock, Events *events) {
        if (packet->pts == AV_NOPTS_VALUE || packet->pts <= INT64_MIN / 2 || packet->pts >= INT64_MAX / 2 ||
            was_seen(reader, packet))
                return;
        if (reader->text && packet->size > MAX_TEXT_BYTES) {
                reader->damaged++;
                return;
        }
        AVSubtitle said = {0};
        int has_said = 0;
        if (avcodec_decode_subtitle2(reader->codec, &said, &has_said, packet) < 0) {
                reader->damaged++;
                return;
        }
        if (!has_said)
                return;
        const Event span = span_of(reader, &said, packet, clock);
        if (reader->text)
                add_text(reader, &said, packet, span, events);
        else
                add_pictures(reader, &said, span, events);
        avsubtitle_free(&said);
}

void reader_flush(Reader *reader) {
        avcodec_flush_buffers(reader->codec);
}

/* ASS has its own styles; those that MP4 and WebVTT name are for boxes whose size is not known. */
char *reader_header(const Reader *reader, int32_t height, int32_t house_height) {
        const enum AVCodecID codec = reader->codec->codec_id;
        if ((codec == AV_CODEC_ID_ASS || codec == AV_CODEC_ID_SSA) && reader->codec->subtitle_header)
                return g_strdup((const char *)reader->codec->subtitle_header);
        return g_strdup_printf(PLAIN_HEADER, CLAMP(PLAIN_SIZE * house_height / height, PLAIN_SIZE, 2 * PLAIN_SIZE));
}

unsigned reader_damaged(const Reader *reader) {
        return reader->damaged;
}
