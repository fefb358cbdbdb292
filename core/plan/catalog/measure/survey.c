#include "core/plan/catalog/measure/survey.h"

#include "core/plan/catalog/keys/keys.h"
#include "core/plan/catalog/measure/media.h"
#include "core/plan/catalog/measure/pictures.h"
#include "core/plan/catalog/measure/sound.h"

#define NS_PER_S INT64_C(1000000000)
#define US_PER_MS INT64_C(1000)
#define US_PER_S INT64_C(1000000)
#define TIME_LIMIT_NS (1800 * NS_PER_S) /* or as long as it lasts */
#define TOLERANCE_MS 100                /* by which what was decoded may last longer than what was probed */
#define MIN_QUIET_US (80 * US_PER_MS)   /* two pictures, black and silent */
#define MAX_LOOK_US (20 * US_PER_S)     /* of a silence */
/* Sound that starts earlier than the first picture by more counts as the beginning, as in engines. */
#define EARLY_SOUND_US (100 * US_PER_MS)

typedef struct {
        const SurveyOptions *options;
        Survey *survey;
        int64_t deadline_ns;
        AVFormatContext *format;
        AVPacket *packet;
        int video, audio;
        Pictures *pictures;
        Sound *sound; /* NULL: there is none */
        MediaTrack video_track, audio_track;
        int64_t picture_us, sound_us; /* when the first of them are; INT64_MIN: none was seen */
        bool begun;                   /* a picture from which decoding begins was seen */
        bool stamped;                 /* the first picture has a time, not only its packet */
        GArray *keys_us;              /* int64_t, rising */
        bool stopped;
} Work;

static void work_clear(Work *work) {
        pictures_free(work->pictures);
        sound_free(work->sound);
        g_array_unref(work->keys_us);
        av_packet_free(&work->packet);
        avformat_close_input(&work->format);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Work, work_clear)

void survey_clear(Survey *survey) {
        g_clear_pointer(&survey->quiet_ms, g_free);
        g_clear_pointer(&survey->key_ms, g_free);
        g_clear_pointer(&survey->fault, g_free);
        survey->n_quiet = survey->n_keys = 0;
}

static bool is_late(const Work *work) {
        return rv_clock_mono_ns(work->options->clock) > work->deadline_ns;
}

static bool go_on(void *user) {
        Work *work = user;
        const int64_t asked_ns = rv_clock_mono_ns(work->options->clock);
        work->stopped = work->stopped || !work->options->go_on(work->options->user);
        work->deadline_ns += rv_clock_mono_ns(work->options->clock) - asked_ns; /* it may have rested */
        return !work->stopped && !is_late(work);
}

static int interrupted(void *user) {
        return !go_on(user);
}

static SurveyResult fail(Work *work, SurveyResult result, const char *fault) {
        if (work->stopped)
                return SURVEY_STOPPED;
        if (is_late(work)) {
                result = SURVEY_RETRY;
                fault = "It could not be decoded within half an hour, nor as fast as it plays.";
        }
        g_free(work->survey->fault);
        work->survey->fault = g_strdup(fault);
        return result;
}

static SurveyResult open_file(Work *work) {
        work->packet = av_packet_alloc();
        g_assert(work->packet);
        if (media_open(work->options->path, (AVIOInterruptCB){interrupted, work}, &work->format) < 0 ||
            avformat_find_stream_info(work->format, NULL) < 0)
                return fail(work, SURVEY_RETRY, "It cannot be opened.");
        work->video = media_find_video(work->format);
        if (work->video < 0)
                return fail(work, SURVEY_RETRY, "Its pictures are not found any more.");
        work->audio = media_find_audio(work->format, work->video);
        media_keep_streams(work->format, work->video, work->audio);
        work->pictures = pictures_new(work->format, work->video, go_on, work);
        if (!work->pictures)
                return fail(work, SURVEY_BROKEN, "Its pictures cannot be decoded.");
        const bool sound = work->audio >= 0;
        work->sound = sound ? sound_new(work->format, work->format->streams[work->audio]) : NULL;
        return sound && !work->sound ? fail(work, SURVEY_BROKEN, "Its sound cannot be decoded.") : SURVEY_OK;
}

/* --- all of it, once --------------------------------------------------------------------------------------------- */

static int64_t packet_us(const Work *work) {
        const AVPacket *packet = work->packet;
        const int64_t at = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
        const AVRational unit = work->format->streams[packet->stream_index]->time_base;
        return at == AV_NOPTS_VALUE ? INT64_MIN : av_rescale_q(at, unit, AV_TIME_BASE_Q);
}

/* Nothing is shown before a picture from which decoding begins, and nothing that an edit list cuts off. */
static void note_picture(Work *work) {
        const AVPacket *packet = work->packet;
        const int64_t at_us = packet_us(work);
        const bool begins = packet->flags & AV_PKT_FLAG_KEY;
        work->begun = work->begun || begins;
        if (!work->begun || at_us == INT64_MIN || (packet->flags & AV_PKT_FLAG_DISCARD))
                return;
        if (work->picture_us == INT64_MIN) {
                work->picture_us = at_us;
                work->stamped = packet->pts != AV_NOPTS_VALUE;
        }
        GArray *keys = work->keys_us;
        const int64_t next_us = keys->len > 0 ? g_array_index(keys, int64_t, keys->len - 1) + KEYS_APART_MS * US_PER_MS
                                              : work->picture_us;
        if (begins && at_us >= next_us && keys->len < KEYS_MAX)
                g_array_append_val(keys, at_us);
}

static void note_sound(Work *work) {
        if (work->sound_us == INT64_MIN)
                work->sound_us = packet_us(work);
}

static void take_packet(Work *work) {
        const AVPacket *packet = work->packet;
        if (packet->stream_index == work->video) {
                media_track_note(&work->video_track, work->format, packet);
                pictures_pass(work->pictures, packet);
                note_picture(work);
        } else if (packet->stream_index == work->audio && work->sound) {
                media_track_note(&work->audio_track, work->format, packet);
                sound_take(work->sound, packet);
                note_sound(work);
        }
}

static SurveyResult read_all(Work *work) {
        while (go_on(work) && av_read_frame(work->format, work->packet) >= 0) {
                take_packet(work);
                av_packet_unref(work->packet);
        }
        const int io_error = work->format->pb ? work->format->pb->error : 0;
        if (!go_on(work) || (io_error < 0 && io_error != AVERROR_EOF))
                return fail(work, SURVEY_RETRY, "It could not be read to its end.");
        if (work->sound)
                sound_take(work->sound, NULL);
        if (pictures_are_broken(work->pictures))
                return fail(work, SURVEY_BROKEN,
                            "Most of its pictures cannot be decoded: the file is damaged. Replace it.");
        if (work->sound && sound_is_broken(work->sound))
                return fail(work, SURVEY_BROKEN,
                            "Most of its sound is missing or cannot be decoded: the file is damaged. Replace it.");
        return SURVEY_OK;
}

/* --- loudness ---------------------------------------------------------------------------------------------------- */

/* INV-LOUDNESS-NORMALIZED-001: to the house's loudness; never so far up that it would be cut off at full scale. */
int32_t survey_gain(int32_t loudness_millibel, int32_t peak_millibel) {
        int32_t gain = SURVEY_TARGET_MILLIBEL - loudness_millibel;
        if (gain > 0)
                gain = MIN(gain, MAX(0, SURVEY_PEAK_MILLIBEL - peak_millibel));
        return CLAMP(gain, SURVEY_MIN_GAIN_MILLIBEL, SURVEY_MAX_GAIN_MILLIBEL);
}

static void take_loudness(Work *work) {
        Survey *survey = work->survey;
        int32_t peak_millibel;
        survey->has_loudness = work->sound && sound_loudness(work->sound, &survey->loudness_millibel, &peak_millibel);
        if (survey->has_loudness)
                survey->gain_millibel = survey_gain(survey->loudness_millibel, peak_millibel);
}

/* --- where decoding can begin ------------------------------------------------------------------------------------ */

/* INV-MEASURE-005: counted as engines do. Where pictures have no times of their own they ask sound not, either. */
static void take_keys(Work *work) {
        const bool has_sound = work->stamped && work->sound_us != INT64_MIN;
        const int64_t early_us = has_sound ? work->picture_us - work->sound_us : 0;
        const int64_t zero_us = early_us > EARLY_SOUND_US ? work->sound_us : work->picture_us;
        Survey *survey = work->survey;
        survey->n_keys = work->keys_us->len;
        survey->key_ms = g_new(int64_t, MAX(survey->n_keys, 1));
        for (uint32_t i = 0; i < survey->n_keys; i++)
                survey->key_ms[i] = (g_array_index(work->keys_us, int64_t, i) - zero_us) / US_PER_MS;
}

/* --- black and silent -------------------------------------------------------------------------------------------- */

/* The middle of what the silence and one of the black stretches have in common. */
static void note_quiet(GArray *quiet, const SoundSilence *silence, const GArray *black) {
        for (guint i = 0; i < black->len; i++) {
                const PicturesBlack *stretch = &g_array_index(black, PicturesBlack, i);
                const int64_t from_us = MAX(silence->start_us, stretch->start_us);
                const int64_t to_us = MIN(silence->end_us, stretch->end_us);
                const int64_t at_ms = (from_us + to_us) / 2 / US_PER_MS;
                const int64_t last_ms = quiet->len > 0 ? g_array_index(quiet, int64_t, quiet->len - 1) : 0;
                if (to_us - from_us >= MIN_QUIET_US && at_ms > last_ms)
                        g_array_append_val(quiet, at_ms);
        }
}

static void find_quiet(Work *work) {
        const GArray *silences = work->sound ? sound_silences(work->sound) : NULL;
        g_autoptr(GArray) quiet = g_array_new(false, false, sizeof(int64_t));
        for (guint i = 0; silences && i < silences->len && quiet->len < SURVEY_MAX_QUIET; i++) {
                const SoundSilence *silence = &g_array_index(silences, SoundSilence, i);
                g_autoptr(GArray) black = g_array_new(false, false, sizeof(PicturesBlack));
                const int64_t to_us = MIN(silence->end_us, silence->start_us + MAX_LOOK_US);
                int64_t end_us;
                if (silence->end_us - silence->start_us < MIN_QUIET_US)
                        continue;
                if (!go_on(work) || !pictures_look(work->pictures, silence->start_us, to_us, black, &end_us))
                        break;
                note_quiet(quiet, silence, black);
        }
        work->survey->n_quiet = quiet->len;
        work->survey->quiet_ms = (int64_t *)(void *)g_array_free(g_steal_pointer(&quiet), false);
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static int64_t ms_after_start(const Work *work, int64_t end_us) {
        return end_us == INT64_MIN ? 0 : (end_us - media_start_us(work->format)) / US_PER_MS;
}

/* Pictures after the last one that stands alone count if they can be decoded. */
static int64_t pictures_end_ms(Work *work) {
        const int64_t packets_ms = ms_after_start(work, work->video_track.end_us);
        const int64_t last_us = pictures_last_us(work->pictures);
        int64_t end_us;
        if (last_us == INT64_MIN || !pictures_look(work->pictures, last_us, INT64_MAX, NULL, &end_us) ||
            end_us == INT64_MIN)
                return packets_ms;
        return MIN(packets_ms, end_us / US_PER_MS);
}

/* INV-ASSET-DURATION-CONTRACTUAL-TRUTH-001: what can be decoded counts. Packets of sound last longer than the sound in
 * them by up to a coder's frame: planned as if it were there, each such file would end in a black picture. */
static void find_end(Work *work) {
        const int64_t heard_us = work->sound ? MIN(sound_end_us(work->sound), work->audio_track.end_us) : INT64_MIN;
        const int64_t end_ms = MAX(pictures_end_ms(work), ms_after_start(work, heard_us));
        const int64_t expected_ms = work->options->expected_ms;
        if (end_ms > 0 && (end_ms < expected_ms || end_ms - expected_ms > TOLERANCE_MS))
                work->survey->end_ms = end_ms;
}

SurveyResult survey_file(const SurveyOptions *options, Survey *ret_survey) {
        const int64_t limit_ns = MAX(TIME_LIMIT_NS, options->expected_ms * INT64_C(1000000));
        *ret_survey = (Survey){0};
        g_auto(Work) work = {
                .options = options,
                .survey = ret_survey,
                .deadline_ns = rv_clock_mono_ns(options->clock) + limit_ns,
                .video_track = {.end_us = INT64_MIN},
                .audio_track = {.end_us = INT64_MIN},
                .picture_us = INT64_MIN,
                .sound_us = INT64_MIN,
                .keys_us = g_array_new(false, false, sizeof(int64_t)),
        };
        SurveyResult result = open_file(&work);
        if (result == SURVEY_OK)
                result = read_all(&work);
        if (result != SURVEY_OK)
                return result;
        take_loudness(&work);
        take_keys(&work);
        if (work.audio >= 0)
                work.format->streams[work.audio]->discard = AVDISCARD_ALL; /* heard already */
        find_quiet(&work);
        find_end(&work);
        return go_on(&work) ? SURVEY_OK : fail(&work, SURVEY_RETRY, "");
}
