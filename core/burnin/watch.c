#include <stdlib.h>
#include <string.h>

#include "core/burnin/private.h"

/* As in tests/e2e/day_test.c: growth is judged by halves, of series that are long enough to have settled. */
#define MIN_LOOKS 24
#define SETTLING_LOOKS 4
#define GROWTH_KIB 8192
#define GROWTH_FDS 4

typedef struct {
        int64_t rss_kib, fds;
} Held;

typedef struct {
        int64_t pid;
        char *name; /* "core", or the engine's channel */
        GArray *looks;
} Series;

struct Watch {
        GPtrArray *series;
        bool faults_told, short_told;
};

static void series_free(void *user) {
        Series *series = user;
        g_free(series->name);
        g_array_unref(series->looks);
        g_free(series);
}

Watch *watch_new(void) {
        Watch *watch = g_new0(Watch, 1);
        watch->series = g_ptr_array_new_with_free_func(series_free);
        return watch;
}

void watch_free(Watch *watch) {
        if (!watch)
                return;
        g_ptr_array_unref(watch->series);
        g_free(watch);
}

/* --- /proc ------------------------------------------------------------------------------------------------------- */

static char *read_proc(int64_t pid, const char *what, gsize *ret_size) {
        g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/%s", pid, what);
        char *text = NULL;
        return g_file_get_contents(path, &text, ret_size, NULL) ? text : NULL;
}

static Held look_at(int64_t pid) {
        Held held = {0};
        g_autofree char *status = read_proc(pid, "status", NULL);
        const char *at = status ? strstr(status, "VmRSS:") : NULL;
        g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/fd", pid);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        held.rss_kib = at ? g_ascii_strtoll(at + strlen("VmRSS:"), NULL, 10) : 0;
        while (dir && g_dir_read_name(dir))
                held.fds++;
        return held;
}

/* "--channel", name: as core started it. NULL: no engine. */
static char *channel_of(int64_t pid) {
        gsize size = 0;
        g_autofree char *comm = read_proc(pid, "comm", NULL);
        g_autofree char *line = read_proc(pid, "cmdline", &size);
        if (!comm || !line || !g_str_has_prefix(comm, "retrovue-air"))
                return NULL;
        for (const char *word = line; word < line + size; word += strlen(word) + 1)
                if (g_str_equal(word, "--channel") && word + strlen(word) + 1 < line + size)
                        return g_strdup(word + strlen(word) + 1);
        return NULL;
}

/* int64_t */
static GArray *children_of(int64_t pid) {
        GArray *found = g_array_new(FALSE, FALSE, sizeof(int64_t));
        g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/task", pid);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *task;
        while (dir && (task = g_dir_read_name(dir))) {
                g_autofree char *what = g_strdup_printf("task/%s/children", task);
                g_autofree char *text = read_proc(pid, what, NULL);
                for (char *at = text, *end = NULL; at && *at; at = end) {
                        const int64_t child = g_ascii_strtoll(at, &end, 10);
                        if (end == at)
                                break;
                        g_array_append_val(found, child);
                }
        }
        return found;
}

int64_t watch_engine_of(int64_t core_pid, const char *channel_id) {
        g_autoptr(GArray) children = children_of(core_pid);
        for (guint i = 0; i < children->len; i++) {
                const int64_t pid = g_array_index(children, int64_t, i);
                g_autofree char *channel = channel_of(pid);
                if (g_strcmp0(channel, channel_id) == 0)
                        return pid;
        }
        return 0;
}

static void note(Watch *watch, int64_t pid, const char *name) {
        Series *series = NULL;
        for (guint i = 0; i < watch->series->len && !series; i++)
                if (((Series *)watch->series->pdata[i])->pid == pid)
                        series = watch->series->pdata[i];
        if (!series) {
                series = g_new0(Series, 1);
                *series = (Series){pid, g_strdup(name), g_array_new(FALSE, FALSE, sizeof(Held))};
                g_ptr_array_add(watch->series, series);
        }
        const Held held = look_at(pid);
        if (held.rss_kib > 0)
                g_array_append_val(series->looks, held);
}

void watch_processes(Watch *watch, int64_t core_pid) {
        if (core_pid == 0)
                return;
        g_autoptr(GArray) children = children_of(core_pid);
        note(watch, core_pid, "core");
        for (guint i = 0; i < children->len; i++) {
                const int64_t pid = g_array_index(children, int64_t, i);
                g_autofree char *channel = channel_of(pid);
                if (channel)
                        note(watch, pid, channel);
        }
}

static Held most_held(const GArray *looks, guint from, guint to) {
        Held most = {0};
        for (guint i = from; i < to; i++) {
                const Held *held = &g_array_index(looks, Held, i);
                most.rss_kib = MAX(most.rss_kib, held->rss_kib);
                most.fds = MAX(most.fds, held->fds);
        }
        return most;
}

/* INV-BURNIN-007 */
static void judge_series(const Series *series, BurninReport *report) {
        const guint n = series->looks->len;
        if (n < MIN_LOOKS)
                return;
        const guint middle = SETTLING_LOOKS + (n - SETTLING_LOOKS) / 2;
        const Held first = most_held(series->looks, SETTLING_LOOKS, middle),
                   second = most_held(series->looks, middle, n);
        const BurninViolation violation = {.contract = "INV-BURNIN-007", .channel = series->name};
        if (second.rss_kib > first.rss_kib + MAX(GROWTH_KIB, first.rss_kib / 10))
                burnin_report_violation(report, &violation,
                                        "process %" G_GINT64_FORMAT " held %" G_GINT64_FORMAT
                                        " KiB at most in the first half of its time, %" G_GINT64_FORMAT
                                        " in the second",
                                        series->pid, first.rss_kib, second.rss_kib);
        if (second.fds > first.fds + GROWTH_FDS)
                burnin_report_violation(report, &violation,
                                        "process %" G_GINT64_FORMAT " had %" G_GINT64_FORMAT
                                        " descriptors at most in the first half of its time, %" G_GINT64_FORMAT
                                        " in the second",
                                        series->pid, first.fds, second.fds);
}

void watch_judge(const Watch *watch, BurninReport *report) {
        for (guint i = 0; i < watch->series->len; i++)
                judge_series(watch->series->pdata[i], report);
}

/* --- plans ------------------------------------------------------------------------------------------------------- */

static void watch_channel(Watch *watch, BurninReport *report, const json_t *channel, int64_t at_utc_ms) {
        const json_t *horizon = json_object_get(channel, "horizon");
        const int64_t short_ms = json_integer_value(json_object_get(horizon, "execution_short_ms"));
        const int64_t least_ms = json_integer_value(json_object_get(horizon, "min_execution_ms"));
        const int64_t faults = json_integer_value(json_object_get(json_object_get(channel, "faults"), "planning"));
        BurninViolation violation = {.channel = (char *)json_string_value(json_object_get(channel, "id")),
                                     .cause = BURNIN_LATE_FEED,
                                     .utc_ms = at_utc_ms};
        if (short_ms > least_ms / 2 && !watch->short_told) {
                violation.contract = "INV-HORIZON-EXECUTION-MIN-001";
                burnin_report_violation(report, &violation,
                                        "blocks are planned for %" G_GINT64_FORMAT " min, not %" G_GINT64_FORMAT,
                                        (least_ms - short_ms) / MINUTE_MS, least_ms / MINUTE_MS);
                watch->short_told = true;
        }
        if (faults > 0 && !watch->faults_told) {
                violation.contract = "INV-HORIZON-EXHAUSTION-PLANNING-FAULT-001";
                burnin_report_violation(report, &violation, "%" G_GINT64_FORMAT " planning faults are counted", faults);
                watch->faults_told = true;
        }
}

void watch_channels(Watch *watch, BurninReport *report, const json_t *document, int64_t at_utc_ms) {
        const json_t *channels = json_object_get(document, "channels");
        for (size_t i = 0; i < json_array_size(channels); i++)
                watch_channel(watch, report, json_array_get(channels, i), at_utc_ms);
}
