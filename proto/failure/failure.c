#include "proto/failure/failure.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"

#define FAILURE(code, class, sentence, cure) {code, FAILURE_##class, sentence, cure},
static const FailureKind kinds[] = {
#include "proto/failure/kinds.def"
};
#undef FAILURE

/* What happened, by index in kinds. A failure is rare enough for a lock. */
typedef struct {
        int64_t count, last_utc_ms;
        char last[FAILURE_DETAIL_SIZE];
} Record;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Record records[G_N_ELEMENTS(kinds)];

const char *failure_class_name(FailureClass class) {
        static const char *const names[] = {"planning", "runtime", "request"};
        return names[class];
}

static int by_code(const void *code, const void *kind) {
        return strcmp(code, ((const FailureKind *)kind)->code);
}

const FailureKind *failure_kind(const char *code) { /* INV-FAILURE-001 */
        return bsearch(code, kinds, G_N_ELEMENTS(kinds), sizeof *kinds, by_code);
}

const FailureKind *failure_kinds(size_t *ret_n) {
        *ret_n = G_N_ELEMENTS(kinds);
        return kinds;
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

/* As much of text as fits, not torn inside a character. */
static void copy_text(char *ret_text, size_t size, const char *text) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        size_t length = MIN(strlen(valid), size - 1);
        while ((valid[length] & 0xc0) == 0x80)
                length--;
        memcpy(ret_text, valid, length);
        ret_text[length] = '\0';
}

static void count(const FailureKind *kind, const char *detail) { /* INV-FAILURE-002 */
        Record *record = &records[kind - kinds];
        pthread_mutex_lock(&lock);
        record->count++;
        record->last_utc_ms = rv_clock_utc_ms(rv_clock_system());
        copy_text(record->last, sizeof record->last, detail ? detail : "");
        pthread_mutex_unlock(&lock);
}

bool failure_note(const char *code, const char *detail) {
        const FailureKind *kind = failure_kind(code);
        if (kind)
                count(kind, detail);
        return kind != NULL;
}

bool failure_note_of(const char *area, const char *name, const char *detail) {
        g_autofree char *low = g_ascii_strdown(name, -1);
        g_autofree char *code = g_strconcat(area, ".", low, NULL);
        return failure_note(code, detail);
}

/* "channel=retro error=..." */
static char *fields_text(const RvField *fields, size_t n_fields) {
        GString *text = g_string_new(NULL);
        for (size_t i = 0; i < n_fields && text->len < FAILURE_DETAIL_SIZE; i++) {
                g_string_append_printf(text, "%s%s=", i > 0 ? " " : "", fields[i].key);
                if (fields[i].type == RV_FIELD_INT)
                        g_string_append_printf(text, "%" G_GINT64_FORMAT, fields[i].integer);
                else
                        g_string_append(text, fields[i].string ? fields[i].string : "");
        }
        return g_string_free(text, FALSE);
}

/* Of a warning or an error: its class, after it was counted. */
static const char *judge_line(const char *event, const RvField *fields, size_t n_fields) {
        const FailureKind *kind = failure_kind(event);
        if (!kind)
                return NULL;
        g_autofree char *detail = fields_text(fields, n_fields);
        count(kind, detail);
        return failure_class_name(kind->class);
}

void failure_watch_log(void) {
        rv_log_set_judge(judge_line);
}

GArray *failure_tallies(void) {
        GArray *tallies = g_array_new(FALSE, FALSE, sizeof(FailureTally));
        pthread_mutex_lock(&lock);
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                if (records[i].count == 0)
                        continue;
                FailureTally tally = {&kinds[i], records[i].count, records[i].last_utc_ms, ""};
                memcpy(tally.last, records[i].last, sizeof tally.last);
                g_array_append_val(tallies, tally);
        }
        pthread_mutex_unlock(&lock);
        return tallies;
}
