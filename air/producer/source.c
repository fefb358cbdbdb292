#include "air/producer/source.h"

#include <math.h>
#include <string.h>

#include "air/producer/audio.h"
#include "air/producer/caption_track.h"
#include "air/producer/picture/place.h"
#include "air/producer/shortage.h"
#include "air/producer/subtitle/subtitles.h"
#include "air/producer/timing.h"
#include "air/producer/video.h"
#include "proto/base/log.h"

/* Sound that starts earlier than the first picture by more counts as the beginning of the asset. */
#define EARLY_SOUND_MS 100
/* A target nearer than this is reached by decoding on. */
#define NEAR_MS 1000
/* Decoders of sound need so much to settle (Opus: 80 ms). */
#define SETTLE_MS 150
/* Ogg counts a page's packets back from its end, and the last page's end is where the sound was cut off: stamps are
 * right there only for who comes from a page before it. Pages are a second long, seldom two. */
#define SETTLE_OGG_MS 3000
/* On the way to a target, pictures of which nobody needs anything are passed over up to so long before it ... */
#define SKIP_UNTIL_MS 250
/* ... and the one on show at the target must not be older than this: it might be in place of one passed over. What is
 * between the two are the pictures beside it, which one that was interlaced is made of. */
#define CERTAIN_MS 150

typedef struct {
        AVFrame *frame;
        VideoStamp stamp;
        int64_t tick; /* first relative tick that shows it */
        bool valid;
} Shown;

/* What is seen of a picture. */
typedef struct {
        bool shows;       /* current, or black, ... */
        uint32_t titles;  /* ... with these subtitles over it (see subtitles_at) ... */
        int64_t graphics; /* ... and these graphics (see graphics_look) */
} Look;

struct Source {
        SourceOptions options;
        float gain;

        Demux *demux;
        Video *video;         /* NULL: no pictures */
        Audio *audio;         /* NULL: no sound (any more) */
        Subtitles *subtitles; /* NULL: none are shown */
        MediaTime zero;       /* the container's time of the first picture, or sound where there are no pictures */
        int64_t offset_ms;    /* of sample and tick 0 after zero */

        Shown current, next; /* the picture on show and the one after it */
        bool video_over;
        int64_t black_tick; /* when video_over: first tick after the last picture */

        Placer *placer;
        Picture *placed;  /* the last one placed_picture gave; NULL: current is new */
        Look placed_look; /* how it looks */

        CaptionQueue captions; /* of the pictures shown */
        CaptionTrack *track;   /* or of a track beside them; NULL: there is none, or the pictures have some */
        int64_t captions_from; /* tick: what belongs to pictures of ticks before it does not count */
        bool continues;        /* from the source before */
};

static void close_media(Source *source) {
        g_clear_pointer(&source->subtitles, subtitles_free);
        g_clear_pointer(&source->track, caption_track_free);
        g_clear_pointer(&source->audio, audio_free);
        g_clear_pointer(&source->video, video_free);
        g_clear_pointer(&source->demux, demux_free);
        g_clear_pointer(&source->placed, picture_unref);
        source->current.valid = source->next.valid = source->video_over = false;
}

void source_free(Source *source) {
        if (!source)
                return;
        close_media(source);
        placer_free(source->placer);
        av_frame_free(&source->current.frame);
        av_frame_free(&source->next.frame);
        g_free(source);
}

/* Captions begin with the pictures of tick k, which is where the source is joined. */
static void listen_from(Source *source, int64_t k) {
        source->continues = source->options.goes_on_before && k == 0;
        source->captions_from = k;
        caption_queue_init(&source->captions, source->options.format.rate,
                           source->continues ? CAPTIONS_CONTINUE : CAPTIONS_JOIN);
}

/* INV-PRODUCER-010: what has been shown ends when its time is over, whatever the sound does. */
static void end_video(Source *source) {
        const Shown *last = source->next.valid ? &source->next : &source->current;
        source->video_over = true;
        source->black_tick =
                last->valid ? timing_tick(last->stamp.end, source->offset_ms, source->options.format.rate) : INT64_MIN;
}

/* The picture after the ones already here. */
static DecoderResult fetch_next(Source *source) {
        Shown *next = &source->next;
        const DecoderResult result = video_next(source->video, next->frame, &next->stamp);
        next->valid = result == DECODER_FRAME;
        if (next->valid)
                next->tick = timing_tick(next->stamp.time, source->offset_ms, source->options.format.rate);
        else if (result == DECODER_END)
                end_video(source);
        return result;
}

/* Pictures without their sound are better than nothing; the other way round only when the file has none. */
static bool open_streams(Source *source, Fault *fault) {
        const atomic_bool *abort = source->options.abort;
        if (demux_stream(source->demux, DEMUX_VIDEO)) {
                source->video = video_new(source->demux, abort, fault);
                if (!source->video)
                        return false;
        }
        if (!demux_stream(source->demux, DEMUX_AUDIO))
                return true;
        Fault silent = {0};
        source->audio = audio_new(source->demux, source->options.format.sample_rate_hz, abort, &silent);
        if (source->audio)
                return true;
        if (!source->video) {
                *fault = silent;
                return false;
        }
        rv_warning("producer.silent", RV_S("uri", source->options.segment->asset_uri), RV_S("detail", silent.detail));
        demux_drop(source->demux, DEMUX_AUDIO);
        return true;
}

/* Sound well before the first picture: asset time begins with it, so pictures are that much later. */
static int64_t early_sound_ms(const Source *source) {
        int64_t pts;
        if (!source->audio || !demux_peek_pts(source->demux, DEMUX_AUDIO, &pts))
                return 0;
        const AVRational base = demux_stream(source->demux, DEMUX_AUDIO)->time_base;
        const MediaTime start = {pts * base.num, base.den};
        const int64_t early_ms = timing_sample(source->zero, start, 0, 1000);
        return early_ms > EARLY_SOUND_MS ? early_ms : 0;
}

static bool find_zero_of_video(Source *source, Fault *fault) {
        source->offset_ms = source->options.segment->asset_start_offset_ms;
        const DecoderResult result = fetch_next(source);
        if (result == DECODER_END) {
                fault_set(fault, "DECODE_FAILED", "%s: not one picture could be decoded",
                          source->options.segment->asset_uri);
                return false;
        }
        if (result == DECODER_NOT_NEAR) { /* pictures in name only */
                g_clear_pointer(&source->video, video_free);
                demux_drop(source->demux, DEMUX_VIDEO);
                return true;
        }
        const bool vague = video_zero_is_vague(source->video);
        source->zero = video_zero(source->video);
        if (!vague)
                source->offset_ms -= early_sound_ms(source);
        source->next.tick = timing_tick(source->next.stamp.time, source->offset_ms, source->options.format.rate);
        if (source->audio)
                audio_set_zero(source->audio, vague ? (MediaTime){0, 1} : source->zero, source->offset_ms);
        return true;
}

static bool find_zero_of_audio(Source *source, Fault *fault) {
        MediaTime zero = {0, 1};
        (void)audio_peek_time(source->audio, &zero);
        source->zero = zero;
        source->offset_ms = source->options.segment->asset_start_offset_ms;
        audio_set_zero(source->audio, zero, source->offset_ms);
        end_video(source);
        return true;
}

static bool open_media(Source *source, Fault *fault) {
        const SourceOptions *options = &source->options;
        source->demux = demux_open(&(DemuxOptions){options->segment->asset_uri, options->style, options->abort}, fault);
        if (!source->demux)
                return false;
        source->subtitles = subtitles_open(&(SubtitlesOptions){source->demux, options->segment, options->style,
                                                               options->format.rate, options->abort});
        source->track = caption_track_open(source->demux);
        if (!open_streams(source, fault))
                return false;
        if (source->video ? !find_zero_of_video(source, fault) : !find_zero_of_audio(source, fault))
                return false;
        if (source->subtitles)
                subtitles_start(source->subtitles, source->zero, source->offset_ms);
        return true;
}

Source *source_open(const SourceOptions *options, Fault *fault) {
        g_autoptr(Source) source = g_new0(Source, 1);
        source->options = *options;
        source->gain = exp10f((float)options->segment->gain_millibel / 2000.0F);
        source->placer = placer_new();
        source->current.frame = av_frame_alloc();
        source->next.frame = av_frame_alloc();
        g_assert(source->current.frame && source->next.frame);
        listen_from(source, 0);
        if (!open_media(source, fault))
                return NULL;
        return g_steal_pointer(&source);
}

static int64_t sample_of(const Source *source, int64_t k) {
        const HouseFormat *format = &source->options.format;
        const int64_t first = rv_tick_to_sample(source->options.start_tick, format->rate, format->sample_rate_hz);
        return rv_tick_to_sample(source->options.start_tick + k, format->rate, format->sample_rate_hz) - first;
}

static bool sound_is_late(Source *source, int64_t k) {
        MediaTime time;
        if (!source->audio || !audio_peek_time(source->audio, &time))
                return false;
        const int32_t rate_hz = source->options.format.sample_rate_hz;
        return timing_sample(time, source->zero, source->offset_ms, rate_hz) > sample_of(source, k);
}

typedef enum { SEEK_FAILED, SEEK_TOO_LATE, SEEK_SOUND_TOO_LATE, SEEK_DONE } SeekResult;

/* Every picture on the way, or only those that others need. */
typedef enum { SEEK_ALL, SEEK_NEEDED } SeekThrough;

static SeekResult try_seek(Source *source, int64_t k, int64_t back_ms, SeekThrough through) {
        const int64_t zero_us = timing_sample(source->zero, (MediaTime){0, 1}, 0, G_USEC_PER_SEC);
        const int64_t target_ms = source->offset_ms + rv_tick_to_ms(k, source->options.format.rate);
        const int64_t into_ms = target_ms - back_ms;
        if (into_ms <= 0 || !demux_seek_us(source->demux, zero_us + into_ms * 1000))
                return SEEK_FAILED;
        g_clear_pointer(&source->placed, picture_unref);
        source->current.valid = source->next.valid = source->video_over = false;
        listen_from(source, k);
        if (source->track)
                caption_track_flush(source->track);
        if (source->audio)
                audio_flush(source->audio);
        if (source->video) {
                video_flush(source->video);
                if (through == SEEK_NEEDED)
                        video_skip_before(source->video, target_ms - SKIP_UNTIL_MS);
                const int64_t memory = rv_tick_at_ms(video_memory_ms(source->video), source->options.format.rate);
                const DecoderResult result = fetch_next(source);
                if (result == DECODER_END || (result == DECODER_FRAME && source->next.tick > k - memory))
                        return SEEK_TOO_LATE;
        } else {
                end_video(source);
        }
        return sound_is_late(source, k) ? SEEK_SOUND_TOO_LATE : SEEK_DONE;
}

static bool is_near(const Source *source, int64_t k) {
        const Shown *at = source->next.valid ? &source->next : &source->current;
        if (!at->valid)
                return source->offset_ms + rv_tick_to_ms(k, source->options.format.rate) <= NEAR_MS;
        return k >= at->tick && k - at->tick <= rv_tick_at_ms(NEAR_MS, source->options.format.rate);
}

static int64_t settle_ms(const Source *source) {
        return strcmp(demux_format(source->demux)->iformat->name, "ogg") == 0 ? SETTLE_OGG_MS : SETTLE_MS;
}

/* INV-PRODUCER-003: no container's index is trusted. What comes out decides whether it was early enough. */
static bool seek(Source *source, int64_t k, SeekThrough through) {
        static const int64_t back_ms[] = {0, 1000, 4000, 16000};
        for (size_t i = 0; i < G_N_ELEMENTS(back_ms); i++) {
                const SeekResult result = try_seek(source, k, settle_ms(source) + back_ms[i], through);
                if (result == SEEK_FAILED)
                        return false;
                /* Sound that starts late after one more step back is simply not there. */
                if (result == SEEK_DONE || (result == SEEK_SOUND_TOO_LATE && i > 0))
                        return true;
                if (atomic_load(source->options.abort))
                        return true;
        }
        return false;
}

/* INV-PRODUCER-030: each picture's once, whether it is shown for many ticks or for none. */
static void hear(Source *source, const Shown *shown) {
        const AVFrameSideData *captions = av_frame_get_side_data(shown->frame, AV_FRAME_DATA_A53_CC);
        if (!captions)
                return;
        g_clear_pointer(&source->track, caption_track_free);
        if (shown->tick >= source->captions_from)
                caption_queue_push(&source->captions, captions->data, captions->size);
}

/* Those of a track beside the pictures, which are what it says twice where they have some, too. */
static void hear_track(Source *source, int64_t k) {
        const CaptionSpan span = {.zero = source->zero,
                                  .offset_ms = source->offset_ms,
                                  .rate = source->options.format.rate,
                                  .from_k = source->captions_from,
                                  .until_k = k};
        if (source->track)
                caption_track_pull(source->track, &span, &source->captions);
}

static void promote_next(Source *source) {
        const Shown shown = source->current;
        source->current = source->next;
        source->next = shown;
        source->next.valid = false;
        g_clear_pointer(&source->placed, picture_unref);
        hear(source, &source->current);
}

/* INV-PRODUCER-001: current becomes the last picture whose tick is not after k; before the first it is the first. */
static void advance_video(Source *source, int64_t k) {
        while (source->next.valid || !source->video_over) {
                if (source->next.valid && source->current.valid && source->next.tick > k)
                        return;
                if (source->next.valid)
                        promote_next(source);
                if (source->video_over || fetch_next(source) == DECODER_NOT_NEAR)
                        return;
        }
}

/* Where pictures are far apart, or have ended, the one on show at k may not be the last before it. */
static bool is_certain(Source *source, int64_t k) {
        if (!source->video)
                return true;
        advance_video(source, k);
        return !source->current.valid ||
               source->current.tick >= k - rv_tick_at_ms(CERTAIN_MS, source->options.format.rate);
}

/* What began before k and is still to be read. */
static void look_back(Source *source, int64_t k) {
        const int64_t ms = source->offset_ms + rv_tick_to_ms(k, source->options.format.rate);
        const int64_t zero_us = timing_sample(source->zero, (MediaTime){0, 1}, 0, G_USEC_PER_SEC);
        if (source->subtitles)
                subtitles_look_back(source->subtitles, zero_us + ms * 1000);
}

bool source_seek(Source *source, int64_t k, Fault *fault) {
        listen_from(source, k);
        if (is_near(source, k))
                return true;
        look_back(source, k);
        if (seek(source, k, SEEK_NEEDED) && is_certain(source, k))
                return true;
        if (atomic_load(source->options.abort) || seek(source, k, SEEK_ALL))
                return true;
        close_media(source);
        listen_from(source, k);
        return open_media(source, fault);
}

static void draw_graphics(const Source *source, int64_t look, Picture *picture) {
        if (look == 0)
                return;
        const I420 view = picture_view(picture);
        graphics_draw(source->options.graphics, look, &view);
}

static bool looks_same(const Look *a, const Look *b) {
        return a->shows == b->shows && a->titles == b->titles && a->graphics == b->graphics;
}

/*
 * The picture on show, or black, in house size with what is over it; lent. NULL when aborted, or with *fault.
 * INV-GRAPHICS-008: ticks of the same look share one; another look is drawn on a picture of its own, for this one may
 * be on its way to a viewer.
 */
static Picture *placed_picture(Source *source, const Look *look, Fault *fault) {
        const SourceOptions *options = &source->options;
        if (source->placed && looks_same(look, &source->placed_look))
                return source->placed;
        g_clear_pointer(&source->placed, picture_unref);
        Picture *placed = picture_pool_take(options->pool, options->abort);
        if (!placed)
                return NULL;
        if (!look->shows) {
                picture_fill_border(placed, 0, 0, 0, 0);
        } else if (!placer_place(source->placer, source->current.frame, placed)) {
                fault_set(fault, "DECODE_FAILED", "%s: its kind of picture cannot be scaled",
                          options->segment->asset_uri);
                picture_unref(placed);
                return NULL;
        }
        if (look->titles)
                subtitles_draw(source->subtitles, placed);
        draw_graphics(source, look->graphics, placed);
        source->placed_look = *look;
        source->placed = placed;
        return placed;
}

/* What is to be read over current at tick k. */
static uint32_t titles_at(Source *source, int64_t k) {
        const HouseFormat *format = &source->options.format;
        const AVFrame *frame = source->current.frame;
        if (!source->subtitles)
                return 0;
        const SubtitlesFrame shape = {placer_rect(frame, format->width, format->height), frame->width, frame->height,
                                      format->height};
        return subtitles_at(source->subtitles, k, &shape);
}

/* A new reference to what tick k shows; NULL when aborted, or with *fault. */
static Picture *make_picture(Source *source, int64_t k, bool shows, Fault *fault) {
        const SourceOptions *options = &source->options;
        const BlockSegment *segment = options->segment;
        const int32_t level = timing_level(k + 1, options->end_tick - options->start_tick, options->format.rate,
                                           segment->fade_in_ms, segment->fade_out_ms);
        const int64_t graphics = graphics_look(options->graphics, k);
        const bool lit = shows && level > 0;
        if (!lit && graphics == 0)
                return picture_black(options->format.width, options->format.height);
        const bool dimmed = lit && level < TIMING_FULL;
        const Look look = {lit, lit ? titles_at(source, k) : 0, dimmed ? 0 : graphics};
        Picture *placed = placed_picture(source, &look, fault);
        if (!placed || !dimmed)
                return placed ? picture_ref(placed) : NULL;
        Picture *dark = picture_pool_take(options->pool, options->abort);
        if (dark) {
                picture_darken(dark, placed, level);
                draw_graphics(source, graphics, dark); /* downstream of the fade */
        }
        return dark;
}

/* INV-PRODUCER-013: a cut from one material to another, or to silence, is not heard as such. */
static void soften_edges(const Source *source, int64_t at, const Cell *cell) {
        const SourceOptions *options = &source->options;
        const int64_t end = sample_of(source, options->end_tick - options->start_tick);
        if (!options->goes_on_before && at < AUDIO_EDGE)
                audio_soften(cell->samples, cell->n_samples, at, 1);
        if (!options->goes_on_after && end - at - cell->n_samples < AUDIO_EDGE)
                audio_soften(cell->samples, cell->n_samples, end - at - 1, -1);
}

/* True when there is sound in it. */
static bool make_sound(Source *source, int64_t k, Cell *cell) {
        const SourceOptions *options = &source->options;
        const BlockSegment *segment = options->segment;
        const int64_t at = sample_of(source, k);
        cell->n_samples = (uint32_t)(sample_of(source, k + 1) - at);
        if (!source->audio || !audio_read(source->audio, at, cell->n_samples, cell->samples)) {
                memset(cell->samples, 0, sizeof(float) * AUDIO_CHANNELS * cell->n_samples);
                return false;
        }
        const int64_t n_ticks = options->end_tick - options->start_tick;
        const RvRational rate = options->format.rate;
        audio_shape(cell->samples, cell->n_samples, source->gain,
                    timing_level(k, n_ticks, rate, segment->fade_in_ms, segment->fade_out_ms),
                    timing_level(k + 1, n_ticks, rate, segment->fade_in_ms, segment->fade_out_ms));
        soften_edges(source, at, cell);
        return true;
}

static SourceResult ending(const Source *source, Fault *fault) {
        const int error = demux_error(source->demux);
        if (error == 0)
                return SOURCE_OVER;
        fault_set(fault, "READ_FAILED", "%s: %s", source->options.segment->asset_uri, av_err2str(error));
        return SOURCE_FAILED;
}

SourceResult source_make(Source *source, int64_t k, Cell *cell, Fault *fault) {
        if (source->video)
                advance_video(source, k);
        const bool shows = source->current.valid && !(source->video_over && k >= source->black_tick);
        const bool sounds = make_sound(source, k, cell);
        if (!shows && !sounds && source->video_over)
                return ending(source, fault);
        cell->tick = source->options.start_tick + k;
        cell->kind = CELL_CONTENT;
        cell->continues = source->continues;
        hear_track(source, k);
        caption_queue_pull(&source->captions, cell->tick, &cell->captions);
        cell->source_frame = shows ? source->current.stamp.index : -1;
        (void)shortage_look(0); /* room for a picture may have to be made and waited for, which writes errno */
        cell->picture = make_picture(source, k, shows, fault);
        if (cell->picture)
                return SOURCE_CELL;
        return fault->code[0] ? SOURCE_FAILED : SOURCE_OVER;
}
