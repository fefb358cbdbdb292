/*
 * Diag: the list of faults found in what a person wrote (YAML, flags). Reading goes on after a fault, so that all are
 * reported at once, each with its place, what is wrong and how to mend it:
 *
 *     channels/retro.yaml:12:7: unknown key "pol" in schedule.all_day[0]: did you mean "pool"?
 *
 * One owner at a time; bounded (after 200 entries only the count rises).
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef enum { DIAG_ERROR, DIAG_WARNING } DiagSeverity;

typedef struct {
        DiagSeverity severity;
        char *file;       /* NULL: no file is concerned */
        int line, column; /* from 1; 0 = unknown */
        char *message;
} DiagEntry;

typedef struct Diag Diag;

Diag *diag_new(void);
void diag_free(Diag *diag);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Diag, diag_free)

void diag_add(Diag *diag, DiagSeverity severity, const char *file, int line, int column, const char *format, ...)
        G_GNUC_PRINTF(6, 7);
unsigned diag_errors(const Diag *diag);
unsigned diag_count(const Diag *diag);
const DiagEntry *diag_get(const Diag *diag, unsigned i);
/* All entries, one per line, sorted by place; g_free it. */
char *diag_text(const Diag *diag);
/* [{"severity","file","line","column","message"}] */
json_t *diag_json(const Diag *diag);

/* The candidate nearest to word (small edit distance), or NULL: for "did you mean". Borrowed from candidates. */
const char *diag_nearest(const char *word, const char *const *candidates);
