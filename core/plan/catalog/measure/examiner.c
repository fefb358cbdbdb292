#include "core/plan/catalog/measure/examiner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/process.h"
#include "core/plan/catalog/measure/answer.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

#define LOOK_MS 250 /* how often who asked is asked whether the answer is still wanted */
#define SILENT_NS (120 * INT64_C(1000000000))
#define END_MS 1000        /* for a killed process to be gone; one that hangs in the kernel is left to itself */
#define MAX_LINE (1 << 20) /* of an answer */
#define TRIES 2

static const char *program; /* written before there is a second thread */

struct Examiner {
        RvClock *clock;
        pid_t pid; /* 0: none */
        int fd;
        GString *heard; /* of the line that is coming */
};

/* How a question ended. */
typedef enum {
        OUTCOME_ANSWERED,
        OUTCOME_STOPPED, /* it is not wanted any more */
        OUTCOME_CRASHED, /* the process ended itself: the file's doing */
        OUTCOME_LOST,    /* it was killed, hung, or could not be started */
} Outcome;

typedef struct {
        bool (*go_on)(void *user);
        void *user;
} Wanted;

/* --- the process ------------------------------------------------------------------------------------------------- */

void examiner_set_program(const char *path) {
        program = path;
}

Examiner *examiner_new(RvClock *clock) {
        Examiner *examiner = g_new0(Examiner, 1);
        examiner->clock = clock;
        examiner->fd = -1;
        examiner->heard = g_string_new(NULL);
        return examiner;
}

static bool start(Examiner *examiner) {
        g_autoptr(GError) error = NULL;
        int pair[2];
        if (examiner->pid)
                return true;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
                rv_warning("examiner.not_started", RV_S("error", g_strerror(errno)));
                return false;
        }
        char *const arguments[] = {(char *)program, (char[]){EXAMINER_COMMAND}, NULL};
        examiner->pid = process_start(program, arguments, pair[1], &error);
        close(pair[1]);
        if (examiner->pid == 0) {
                close(pair[0]);
                rv_warning("examiner.not_started", RV_S("error", error->message));
                return false;
        }
        examiner->fd = pair[0];
        g_string_truncate(examiner->heard, 0);
        return true;
}

/* Waits for its end, which has come or is near. The wait status; -1: it hangs in the kernel, and is left there. */
static int reap(pid_t pid) {
        const int pidfd = pidfd_open(pid, 0);
        struct pollfd end = {.fd = pidfd, .events = POLLIN};
        int status = -1;
        while (pidfd >= 0 && poll(&end, 1, END_MS) < 0 && errno == EINTR)
                ;
        if (pidfd >= 0)
                close(pidfd);
        return waitpid(pid, &status, WNOHANG) == pid ? status : -1;
}

/* The wait status of the process that was; -1 when it is not known. */
static int end(Examiner *examiner, bool by_force) {
        if (examiner->pid == 0)
                return -1;
        close(examiner->fd);
        if (by_force)
                (void)kill(examiner->pid, SIGKILL);
        int status = reap(examiner->pid);
        if (status < 0 && !by_force && kill(examiner->pid, SIGKILL) == 0)
                status = reap(examiner->pid);
        examiner->pid = 0;
        examiner->fd = -1;
        return status;
}

void examiner_free(Examiner *examiner) {
        if (!examiner)
                return;
        (void)end(examiner, false);
        g_string_free(examiner->heard, TRUE);
        g_free(examiner);
}

/* --- a question -------------------------------------------------------------------------------------------------- */

/* A line, without its end, once it is complete; NULL: not yet. g_free it. */
static char *take_line(Examiner *examiner) {
        const char *newline = memchr(examiner->heard->str, '\n', examiner->heard->len);
        if (!newline)
                return NULL;
        const gsize length = (gsize)(newline - examiner->heard->str);
        char *line = g_strndup(examiner->heard->str, length);
        g_string_erase(examiner->heard, 0, (gssize)length + 1);
        return line;
}

/* False: the process is gone, or talks nonsense. */
static bool hear(Examiner *examiner) {
        char bytes[4096];
        const ssize_t n = recv(examiner->fd, bytes, sizeof bytes, 0);
        if (n < 0)
                return errno == EINTR;
        g_string_append_len(examiner->heard, bytes, n);
        return n > 0 && examiner->heard->len <= MAX_LINE;
}

static Outcome judge_end(Examiner *examiner) {
        const int status = end(examiner, false);
        const int signal_number = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        const bool crashed = signal_number != 0 && signal_number != SIGKILL && signal_number != SIGTERM &&
                             signal_number != SIGINT && signal_number != SIGHUP;
        return crashed || (status >= 0 && WIFEXITED(status)) ? OUTCOME_CRASHED : OUTCOME_LOST;
}

/* What it says before its answer is that it would go on: it rests until it is told to. */
static Outcome await(Examiner *examiner, const Wanted *wanted, char **ret_line) {
        int64_t heard_ns = rv_clock_mono_ns(examiner->clock);
        for (;;) {
                struct pollfd talk = {.fd = examiner->fd, .events = POLLIN};
                const int n = poll(&talk, 1, LOOK_MS);
                if (n > 0 && !hear(examiner))
                        return judge_end(examiner);
                g_autofree char *line = take_line(examiner);
                const bool asks = line && strcmp(line, ANSWER_MAY_GO_ON) == 0;
                if (line && !asks) {
                        *ret_line = g_steal_pointer(&line);
                        return OUTCOME_ANSWERED;
                }
                if (!wanted->go_on(wanted->user)) {
                        (void)end(examiner, true);
                        return OUTCOME_STOPPED;
                }
                if (asks && !answer_say(examiner->fd, ANSWER_GO_ON))
                        return judge_end(examiner);
                const int64_t now_ns = rv_clock_mono_ns(examiner->clock);
                heard_ns = n > 0 ? now_ns : heard_ns;
                if (now_ns - heard_ns > SILENT_NS) {
                        (void)end(examiner, true);
                        return OUTCOME_LOST;
                }
        }
}

static Outcome ask_once(Examiner *examiner, const char *question, const Wanted *wanted, char **ret_line) {
        if (!start(examiner))
                return OUTCOME_LOST;
        if (!answer_say(examiner->fd, question))
                return judge_end(examiner);
        return await(examiner, wanted, ret_line);
}

/* INV-MEASURE-004: memory may have been spoilt by the file before: only a fresh process blames this one. */
static Outcome ask(Examiner *examiner, json_t *take_question, const Wanted *wanted, json_t **ret_answer) {
        g_autofree char *question = take_question ? json_dumps(take_question, JSON_COMPACT) : NULL;
        g_autofree char *line = NULL;
        json_decref(take_question);
        if (!question)
                return OUTCOME_LOST; /* a name that is not UTF-8 */
        Outcome outcome = OUTCOME_CRASHED;
        for (int i = 0; i < TRIES && outcome == OUTCOME_CRASHED; i++)
                outcome = ask_once(examiner, question, wanted, &line);
        *ret_answer = outcome == OUTCOME_ANSWERED ? json_loads(line, 0, NULL) : NULL;
        return outcome;
}

static const char *sentence(Outcome outcome) {
        return outcome == OUTCOME_CRASHED
                       ? "What decodes it crashes on it, so it is not played: the file is damaged. Replace it."
                       : "Looking at it did not come to an end.";
}

/* --- probe and survey -------------------------------------------------------------------------------------------- */

static bool is_not_stopped(void *user) {
        return !atomic_load((const atomic_bool *)user);
}

ProbeResult examiner_probe(Examiner *examiner, Asset *asset, const atomic_bool *stop) {
        if (!program)
                return probe_file(asset, examiner->clock, stop);
        const Wanted wanted = {is_not_stopped, (void *)stop};
        json_t *answer = NULL;
        ProbeResult result = PROBE_RETRY;
        const Outcome outcome = ask(examiner, json_pack("{s:s}", "path", asset->uri), &wanted, &answer);
        if (answer_to_probe(answer, asset, &result)) {
                json_decref(answer);
                return result;
        }
        json_decref(answer);
        probe_forget(asset);
        asset->reason = g_strdup(sentence(outcome));
        if (outcome == OUTCOME_STOPPED)
                return PROBE_STOPPED;
        return outcome == OUTCOME_CRASHED ? PROBE_REFUSED : PROBE_RETRY;
}

SurveyResult examiner_survey(Examiner *examiner, const SurveyOptions *options, Survey *ret_survey) {
        if (!program)
                return survey_file(options, ret_survey);
        const Wanted wanted = {options->go_on, options->user};
        json_t *question =
                json_pack("{s:s, s:I}", "path", options->path, "expected_ms", (json_int_t)options->expected_ms);
        json_t *answer = NULL;
        SurveyResult result = SURVEY_RETRY;
        *ret_survey = (Survey){0};
        const Outcome outcome = ask(examiner, question, &wanted, &answer);
        const bool understood = answer_to_survey(answer, ret_survey, &result);
        json_decref(answer);
        if (understood)
                return result;
        if (outcome == OUTCOME_STOPPED)
                return SURVEY_STOPPED;
        ret_survey->fault = g_strdup(sentence(outcome));
        return outcome == OUTCOME_CRASHED ? SURVEY_BROKEN : SURVEY_RETRY;
}
