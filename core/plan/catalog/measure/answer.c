#include "core/plan/catalog/measure/answer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* json_pack's words for both ways: what is packed under a key is unpacked from it. */
#define PROBE_FIELDS "{s:i, s:I, s:i, s:i, s:i, s:i, s:b, s:b"
#define SURVEY_FIELDS "{s:i, s:I, s:b, s:i, s:i"

static bool send_all(int fd, const char *text) {
        for (size_t left = strlen(text); left > 0;) {
                const ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
                if (n < 0 && errno != EINTR)
                        return false;
                left -= (size_t)MAX(n, 0);
                text += MAX(n, 0);
        }
        return true;
}

bool answer_say(int fd, const char *line) {
        return send_all(fd, line) && send_all(fd, "\n");
}

static json_t *text_or_null(const char *text) {
        json_t *json = text ? json_string(text) : NULL;
        return json ? json : json_null();
}

static char *text_of(const json_t *answer, const char *key) {
        return g_strdup(json_string_value(json_object_get(answer, key)));
}

static json_t *times_to_json(const int64_t *times_ms, uint32_t n) {
        json_t *array = json_array();
        for (uint32_t i = 0; i < n; i++)
                json_array_append_new(array, json_integer(times_ms[i]));
        return array;
}

static int64_t *times_of(const json_t *answer, const char *key, uint32_t *ret_n) {
        const json_t *array = json_object_get(answer, key);
        const size_t n = json_array_size(array);
        int64_t *times_ms = n > 0 ? g_new(int64_t, n) : NULL;
        for (size_t i = 0; i < n; i++)
                times_ms[i] = json_integer_value(json_array_get(array, i));
        *ret_n = (uint32_t)n;
        return times_ms;
}

json_t *answer_of_probe(ProbeResult result, const Asset *asset) {
        json_t *answer = json_pack(
                PROBE_FIELDS "}", "result", (int)result, "duration_ms", (json_int_t)asset->duration_ms, "width",
                (int)asset->width, "height", (int)asset->height, "rate_num", (int)asset->rate.num, "rate_den",
                (int)asset->rate.den, "video", (int)asset->has_video, "audio", (int)asset->has_audio);
        json_object_set_new(answer, "reason", text_or_null(asset->reason));
        json_object_set_new(answer, "video_codec", text_or_null(asset->video_codec));
        json_object_set_new(answer, "audio_codec", text_or_null(asset->audio_codec));
        json_object_set_new(answer, "chapter_ms", times_to_json(asset->chapter_ms, asset->n_chapters));
        return answer;
}

bool answer_to_probe(const json_t *answer, Asset *asset, ProbeResult *ret_result) {
        int result, width, height, num, den, has_video, has_audio;
        json_int_t duration_ms;
        if (json_unpack((json_t *)answer, PROBE_FIELDS "}", "result", &result, "duration_ms", &duration_ms, "width",
                        &width, "height", &height, "rate_num", &num, "rate_den", &den, "video", &has_video, "audio",
                        &has_audio) != 0 ||
            result < PROBE_OK || result > PROBE_STOPPED)
                return false;
        probe_forget(asset);
        asset->duration_ms = duration_ms;
        asset->width = width;
        asset->height = height;
        asset->rate = (RvRational){num, den};
        asset->has_video = has_video;
        asset->has_audio = has_audio;
        asset->reason = text_of(answer, "reason");
        asset->video_codec = text_of(answer, "video_codec");
        asset->audio_codec = text_of(answer, "audio_codec");
        asset->chapter_ms = times_of(answer, "chapter_ms", &asset->n_chapters);
        *ret_result = (ProbeResult)result;
        return true;
}

json_t *answer_of_survey(SurveyResult result, const Survey *survey) {
        json_t *answer = json_pack(SURVEY_FIELDS "}", "result", (int)result, "end_ms", (json_int_t)survey->end_ms,
                                   "has_loudness", (int)survey->has_loudness, "loudness_millibel",
                                   (int)survey->loudness_millibel, "gain_millibel", (int)survey->gain_millibel);
        json_object_set_new(answer, "quiet_ms", times_to_json(survey->quiet_ms, survey->n_quiet));
        json_object_set_new(answer, "key_ms", times_to_json(survey->key_ms, survey->n_keys));
        json_object_set_new(answer, "fault", text_or_null(survey->fault));
        return answer;
}

bool answer_to_survey(const json_t *answer, Survey *ret_survey, SurveyResult *ret_result) {
        int result, has_loudness, loudness_millibel, gain_millibel;
        json_int_t end_ms;
        if (json_unpack((json_t *)answer, SURVEY_FIELDS "}", "result", &result, "end_ms", &end_ms, "has_loudness",
                        &has_loudness, "loudness_millibel", &loudness_millibel, "gain_millibel", &gain_millibel) != 0 ||
            result < SURVEY_OK || result > SURVEY_STOPPED)
                return false;
        *ret_survey = (Survey){
                .end_ms = end_ms,
                .has_loudness = has_loudness,
                .loudness_millibel = loudness_millibel,
                .gain_millibel = gain_millibel,
                .fault = text_of(answer, "fault"),
        };
        ret_survey->quiet_ms = times_of(answer, "quiet_ms", &ret_survey->n_quiet);
        ret_survey->key_ms = times_of(answer, "key_ms", &ret_survey->n_keys);
        *ret_result = (SurveyResult)result;
        return true;
}
