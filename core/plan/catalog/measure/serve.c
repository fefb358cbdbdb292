/* The examiner's other side: the process in which files are opened. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/plan/catalog/measure/answer.h"
#include "core/plan/catalog/measure/examiner.h"

#define ASK_EVERY_NS (100 * INT64_C(1000000))

typedef struct {
        FILE *in;
        int fd;
        RvClock *clock;
        int64_t asked_ns;
} Examination;

/* It may be a while until the answer comes: others go first. There is only one, for who wants an end makes it. */
static bool go_on(void *user) {
        Examination *examination = user;
        const int64_t now_ns = rv_clock_mono_ns(examination->clock);
        if (now_ns - examination->asked_ns < ASK_EVERY_NS)
                return true;
        char answer[4];
        if (!answer_say(examination->fd, ANSWER_MAY_GO_ON) || !fgets(answer, sizeof answer, examination->in))
                _exit(EXIT_SUCCESS); /* whoever asked is gone, and so is what this process is for */
        examination->asked_ns = rv_clock_mono_ns(examination->clock);
        return true;
}

static json_t *probe(Examination *examination, const char *path) {
        const atomic_bool stop = false;
        Asset *asset = asset_new();
        g_free(asset->uri);
        asset->uri = g_strdup(path);
        const ProbeResult result = probe_file(asset, examination->clock, &stop);
        json_t *found = answer_of_probe(result, asset);
        asset_free(asset);
        return found;
}

static json_t *survey(Examination *examination, const char *path, int64_t expected_ms) {
        const SurveyOptions options = {
                .path = path,
                .expected_ms = expected_ms,
                .clock = examination->clock,
                .go_on = go_on,
                .user = examination,
        };
        g_auto(Survey) found = {0};
        const SurveyResult result = survey_file(&options, &found);
        return answer_of_survey(result, &found);
}

static bool answer(Examination *examination, const char *line) {
        json_t *question = json_loads(line, 0, NULL);
        const char *path = json_string_value(json_object_get(question, "path"));
        const json_t *expected_ms = json_object_get(question, "expected_ms");
        json_t *found = NULL;
        if (path && expected_ms)
                found = survey(examination, path, json_integer_value(expected_ms));
        else if (path)
                found = probe(examination, path);
        g_autofree char *text = found ? json_dumps(found, JSON_COMPACT) : NULL;
        json_decref(found);
        json_decref(question);
        return text && answer_say(examination->fd, text);
}

int examiner_serve(int fd, RvClock *clock) {
        Examination examination = {.in = fdopen(fd, "r"), .fd = fd, .clock = clock};
        char *line = NULL;
        size_t room = 0;
        if (!examination.in)
                return EXIT_FAILURE;
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        (void)prctl(PR_SET_NAME, EXAMINER_COMMAND); /* in ps and top; else it would be that of a link */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);     /* also in the middle of a call that never returns */
        probe_init();
        while (getline(&line, &room, examination.in) > 0 && answer(&examination, line))
                ;
        free(line);
        (void)fclose(examination.in);
        return EXIT_SUCCESS;
}
