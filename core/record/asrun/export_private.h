/* What export.c (text, JSON, CSV) and bxf.c share. */
#pragma once

#include <stdint.h>

#include "core/record/asrun/export.h"

typedef struct Bxf Bxf;

struct AsRunExport {
        AsRunExportOptions options;
        char day[11]; /* text: of the lines under way */
        Bxf *bxf;     /* of that format */
};

/* "" when it has none. */
const char *asrun_entry_text(const json_t *entry, const char *key);
int64_t asrun_entry_int(const json_t *entry, const char *key);
/* format as g_date_time_format's, in zone (NULL = UTC); g_free it. */
char *asrun_format_time(GTimeZone *zone, int64_t utc_ms, const char *format);

Bxf *asrun_bxf_begin(const AsRunExportOptions *options);
void asrun_bxf_entry(Bxf *bxf, const json_t *entry);
void asrun_bxf_end(Bxf *bxf);
