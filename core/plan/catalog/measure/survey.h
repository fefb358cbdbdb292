/*
 * Survey: all of one file, once: its sound is decoded whole, of its pictures those that stand alone, and all of them
 * where it is silent and at its end. Minutes for a film, so it is done in the background, after the probe that made the
 * asset ready. Any thread; memory is bounded.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/clock.h"

#define SURVEY_RULES 1 /* rises when the same file is measured differently */
#define SURVEY_MAX_QUIET 300
/* What every asset is brought to, and by how much at most; in 1/100 LUFS and 1/100 dB. */
#define SURVEY_TARGET_MILLIBEL (-2400)
#define SURVEY_MIN_GAIN_MILLIBEL (-6000)
#define SURVEY_MAX_GAIN_MILLIBEL 2400
#define SURVEY_PEAK_MILLIBEL (-100) /* no gain raises a sample above it */

typedef enum {
        SURVEY_OK = 0,
        SURVEY_BROKEN, /* it cannot be decoded: fault says why, in a sentence for people */
        SURVEY_RETRY,  /* another time it may work: it cannot be read just now, or is too slow; fault says why */
        SURVEY_STOPPED,
} SurveyResult;

typedef struct {
        int64_t end_ms; /* where what can be decoded ends; 0 = where expected_ms has it */
        bool has_loudness;
        int32_t loudness_millibel; /* as engines would play it: stereo */
        int32_t gain_millibel;     /* 0 without loudness */
        int64_t *quiet_ms;         /* the middles of stretches that are black and silent, rising */
        uint32_t n_quiet;
        int64_t *key_ms; /* where decoding can begin: see core/plan/catalog/keys */
        uint32_t n_keys;
        char *fault;
} Survey;

void survey_clear(Survey *survey);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Survey, survey_clear)

typedef struct {
        const char *path;
        int64_t expected_ms; /* what the probe measured */
        RvClock *clock;
        /* Asked all the time: false ends it. May wait, to let others go first. */
        bool (*go_on)(void *user);
        void *user;
} SurveyOptions;

SurveyResult survey_file(const SurveyOptions *options, Survey *ret_survey) G_GNUC_WARN_UNUSED_RESULT;

/* From a loudness and the highest sample (INV-LOUDNESS-NORMALIZED-001). */
int32_t survey_gain(int32_t loudness_millibel, int32_t peak_millibel);
