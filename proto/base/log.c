#include "proto/base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* PIPE_BUF: one write(2) of up to so many bytes is not torn apart, even where engines share core's stderr. */
#define LINE_SIZE 4096
/* Kept free while values are added, for quotes, the note that something was cut, and the end of the line. */
#define TAIL_SIZE 64
#define BODY_SIZE (LINE_SIZE - TAIL_SIZE)

#define UNFILTERED (RV_LOG_DEBUG - 1)

typedef struct {
        char text[LINE_SIZE];
        size_t length;
        bool cut;
} Line;

/* Any thread. */
static atomic_int threshold = RV_LOG_INFO;

/* Set by rv_log_init and rv_log_set_sink before there are other threads; only read afterwards. */
static struct {
        const char *program;
        RvClock *clock;
        bool as_text;
        int level;
        RvLogSink sink;
        void *sink_user;
        RvLogJudge judge;
} config = {.program = "retrovue", .level = RV_LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static void put(Line *line, const char *text, size_t size) {
        if (size > LINE_SIZE - line->length) {
                line->cut = true;
                return;
        }
        memcpy(line->text + line->length, text, size);
        line->length += size;
}

static void put_string(Line *line, const char *text) {
        put(line, text, strlen(text));
}

static bool body_has_room(const Line *line, size_t size) {
        return line->length + size <= BODY_SIZE;
}

/* One character of a value: as it is, escaped, or U+FFFD for a byte that is not UTF-8. Returns the bytes it took. */
static size_t encode(const char *p, char ret_encoded[8], size_t *ret_size) {
        const unsigned char c = (unsigned char)*p;
        const char *short_escape = c == '"'    ? "\\\""
                                   : c == '\\' ? "\\\\"
                                   : c == '\n' ? "\\n"
                                   : c == '\t' ? "\\t"
                                               : NULL;
        if (short_escape) {
                *ret_size = g_strlcpy(ret_encoded, short_escape, 8);
                return 1;
        }
        if (c < 0x20 || c == 0x7f) {
                *ret_size = (size_t)g_snprintf(ret_encoded, 8, "\\u%04x", c);
                return 1;
        }
        const gunichar wide = c < 0x80 ? c : g_utf8_get_char_validated(p, -1);
        const bool valid = wide < 0x110000; /* the two failures are above */
        *ret_size = (size_t)g_unichar_to_utf8(valid ? wide : 0xfffd, ret_encoded);
        return valid ? *ret_size : 1;
}

static void put_escaped(Line *line, const char *text) {
        while (*text != '\0') {
                char encoded[8];
                size_t size;
                text += encode(text, encoded, &size);
                if (!body_has_room(line, size)) {
                        line->cut = true;
                        return;
                }
                put(line, encoded, size);
        }
}

static void put_quoted(Line *line, const char *text) {
        put(line, "\"", 1);
        put_escaped(line, text); /* INV-BASE-004 */
        put(line, "\"", 1);
}

static void put_integer(Line *line, int64_t value) {
        char digits[24];
        const int size = g_snprintf(digits, sizeof(digits), "%" G_GINT64_FORMAT, value);
        put(line, digits, (size_t)size);
}

/* "2026-11-22T04:08:50.123Z" */
static void put_time(Line *line, int64_t utc_ms) {
        const int64_t ms = ((utc_ms % 1000) + 1000) % 1000;
        const time_t seconds = (time_t)((utc_ms - ms) / 1000);
        struct tm utc;
        if (!gmtime_r(&seconds, &utc)) {
                put_integer(line, utc_ms);
                return;
        }
        char text[64];
        const int size = g_snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                                    utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (int)ms);
        put(line, text, (size_t)size);
}

/* A line's own keys: a field of the same name gets an underscore, so that no key occurs twice. */
static bool reserved(const char *key) {
        return strcmp(key, "time") == 0 || strcmp(key, "level") == 0 || strcmp(key, "program") == 0 ||
               strcmp(key, "event") == 0 || strcmp(key, "class") == 0 || strcmp(key, "cut") == 0;
}

static void put_json_field(Line *line, const RvField *field) {
        put(line, ",\"", 2);
        put_string(line, field->key);
        put_string(line, reserved(field->key) ? "_\":" : "\":");
        if (field->type == RV_FIELD_INT)
                put_integer(line, field->integer);
        else
                put_quoted(line, field->string ? field->string : "");
}

static bool plain_word(const char *text) {
        if (*text == '\0')
                return false;
        for (; *text != '\0'; text++)
                if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || strchr("\"\\=", *text))
                        return false;
        return true;
}

static void put_text_field(Line *line, const RvField *field) {
        const char *string = field->string ? field->string : "";
        put(line, " ", 1);
        put_string(line, field->key);
        put(line, "=", 1);
        if (field->type == RV_FIELD_INT)
                put_integer(line, field->integer);
        else if (plain_word(string))
                put_escaped(line, string);
        else
                put_quoted(line, string);
}

static void put_fields(Line *line, const RvField *fields, size_t n_fields) {
        for (size_t i = 0; i < n_fields; i++) {
                g_assert(fields[i].key);
                if (!body_has_room(line, strlen(fields[i].key) + 32)) {
                        line->cut = true;
                        return;
                }
                if (config.as_text)
                        put_text_field(line, &fields[i]);
                else
                        put_json_field(line, &fields[i]);
        }
}

static void put_head(Line *line, RvLogLevel level, const char *event) {
        RvClock *clock = config.clock ? config.clock : rv_clock_system();
        if (config.as_text) {
                put_time(line, rv_clock_utc_ms(clock));
                put(line, " ", 1);
                put_string(line, level_names[level]);
                put(line, " ", 1);
                put_escaped(line, event);
                return;
        }
        put_string(line, "{\"time\":\"");
        put_time(line, rv_clock_utc_ms(clock));
        put_string(line, "\",\"level\":\"");
        put_string(line, level_names[level]);
        put_string(line, "\",\"program\":");
        put_quoted(line, config.program);
        put_string(line, ",\"event\":");
        put_quoted(line, event);
}

/* One write a line, INV-BASE-004. A log that cannot be written has nobody to tell: the line is dropped. */
static void write_line(const Line *line) {
        size_t done = 0;
        while (done < line->length) {
                const ssize_t n = write(STDERR_FILENO, line->text + done, line->length - done);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return;
                done += (size_t)n;
        }
}

/* The class of a failure, as the first of its fields. */
static void put_class(Line *line, const char *class) {
        put_string(line, config.as_text ? " class=" : ",\"class\":\"");
        put_escaped(line, class);
        put_string(line, config.as_text ? "" : "\"");
}

static void write_event(RvLogLevel level, const char *event, const char *class, const RvField *fields,
                        size_t n_fields) {
        Line line;
        line.length = 0;
        line.cut = false;
        put_head(&line, level, event);
        if (class)
                put_class(&line, class);
        put_fields(&line, fields, n_fields);
        if (line.cut)
                put_string(&line, config.as_text ? " cut=1" : ",\"cut\":1");
        put_string(&line, config.as_text ? "\n" : "}\n");
        write_line(&line);
}

void rv_log_fields(RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
        const int saved_errno = errno;
        const char *class = level >= RV_LOG_WARNING && config.judge ? config.judge(event, fields, n_fields) : NULL;
        if (config.sink)
                config.sink(config.sink_user, level, event, fields, n_fields);
        else if (rv_log_enabled(level))
                write_event(level, event, class, fields, n_fields);
        errno = saved_errno;
}

bool rv_log_enabled(RvLogLevel level) {
        return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static void apply_threshold(void) {
        atomic_store_explicit(&threshold, config.sink ? (int)UNFILTERED : config.level, memory_order_relaxed);
}

void rv_log_set_level(RvLogLevel level) {
        config.level = (int)level;
        apply_threshold();
}

void rv_log_set_sink(RvLogSink sink, void *user) {
        config.sink = sink;
        config.sink_user = user;
        apply_threshold();
}

void rv_log_set_judge(RvLogJudge judge) {
        config.judge = judge;
}

static RvLogLevel level_of_glib(GLogLevelFlags flags) {
        if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
                return RV_LOG_ERROR;
        if (flags & G_LOG_LEVEL_WARNING)
                return RV_LOG_WARNING;
        return flags & G_LOG_LEVEL_DEBUG ? RV_LOG_DEBUG : RV_LOG_INFO;
}

/* GLib's fields are counted bytes or, with length -1, strings. */
static char *glib_value(const GLogField *fields, gsize n_fields, const char *key) {
        for (gsize i = 0; i < n_fields; i++)
                if (strcmp(fields[i].key, key) == 0)
                        return fields[i].length < 0 ? g_strdup(fields[i].value)
                                                    : g_strndup(fields[i].value, (gsize)fields[i].length);
        return NULL;
}

static GLogWriterOutput write_glib(GLogLevelFlags flags, const GLogField *fields, gsize n_fields, gpointer user) {
        const RvLogLevel level = level_of_glib(flags);
        if (level >= RV_LOG_WARNING || rv_log_enabled(level)) {
                g_autofree char *domain = glib_value(fields, n_fields, "GLIB_DOMAIN");
                g_autofree char *message = glib_value(fields, n_fields, "MESSAGE");
                rv_log(level, "glib.message", RV_S("domain", domain), RV_S("message", message));
        }
        return G_LOG_WRITER_HANDLED;
}

/* The index of a setting's value among names, or fallback with a warning when it is none of them. */
static int setting(const char *variable, const char *const names[], int n_names, int fallback) {
        const char *value = g_getenv(variable);
        if (!value || *value == '\0')
                return fallback;
        for (int i = 0; i < n_names; i++)
                if (strcmp(value, names[i]) == 0)
                        return i;
        rv_warning("log.bad_setting", RV_S("variable", variable), RV_S("value", value));
        return fallback;
}

void rv_log_init(const char *program, RvClock *clock) {
        static const char *const formats[] = {"text", "json"};
        static bool glib_routed;
        config.program = program;
        config.clock = clock;
        config.as_text = isatty(STDERR_FILENO);
        config.as_text = setting("RETROVUE_LOG_FORMAT", formats, G_N_ELEMENTS(formats), !config.as_text) == 0;
        const int level = setting("RETROVUE_LOG_LEVEL", level_names, G_N_ELEMENTS(level_names), RV_LOG_INFO);
        rv_log_set_level((RvLogLevel)level);
        if (!glib_routed) { /* GLib takes a writer only once */
                g_log_set_writer_func(write_glib, NULL, NULL);
                glib_routed = true;
        }
}
