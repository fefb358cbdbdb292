/*
 * As-run in the formats of others, from the documents of asrun_read: text with fixed columns (the lines of the .asrun
 * files), JSON lines, CSV (RFC 4180) and BXF-style XML (SMPTE ST 2021, message AsRun; docs/COMMANDS.md has the
 * mapping). One thread at a time.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdio.h>

#include "proto/base/rational.h"

typedef enum { ASRUN_FORMAT_TEXT = 1, ASRUN_FORMAT_JSON, ASRUN_FORMAT_CSV, ASRUN_FORMAT_BXF } AsRunFormat;

typedef struct {
        AsRunFormat format;
        const char *channel_id, *channel_name;
        int channel_number;
        GTimeZone *zone; /* the channel's: text, CSV and BXF have local times */
        RvRational rate; /* frames of timecodes */
        int64_t now_utc_ms;
        FILE *out; /* whose error flag tells of failures */
} AsRunExportOptions;

typedef struct AsRunExport AsRunExport;

/* Writes what comes first. What options point to outlives the export. */
AsRunExport *asrun_export_new(const AsRunExportOptions *options);
/* An entry; one that the format has no place for is left out. */
void asrun_export_entry(AsRunExport *export, const json_t *entry);
/* Writes what comes last, and frees. NULL is allowed. */
void asrun_export_end(AsRunExport *export);

/* The line of an entry with its newline, time being when it began; NULL: its kind has none (hello, segment_start). */
char *asrun_line(const json_t *entry, const char time[9]);
/* The two lines above a broadcast day's. */
char *asrun_heading(const char *channel_id, const char *day);
/* When what the entry is about began. */
int64_t asrun_document_start_utc_ms(const json_t *entry);
