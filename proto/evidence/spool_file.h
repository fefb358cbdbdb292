/*
 * The file that a spool is: what an engine has to tell and core has not acknowledged, one record an event. The engine
 * writes it and holds a lock on it for as long as it lives; what is there without a lock was left behind, and belongs
 * to whoever locks it first: the channel's next engine, or core. Any thread.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#define EVIDENCE_SPOOL_SUFFIX ".spool" /* <spool dir>/<session_id>.spool */

/* In front of each event's bytes: how many, and their FNV-1a hash. */
typedef struct {
        uint32_t length_le;
        uint32_t checksum_le;
} EvidenceRecordHead;

EvidenceRecordHead evidence_record_head(const void *event, size_t size);
/* The event's bytes of the record at offset; NULL: the end, or a record torn by a crash. */
GBytes *evidence_record_parse(const uint8_t *data, size_t size, size_t offset);
/* Opens for reading and writing, with more flags (O_CREAT), and locks. -1 with RV_ERROR_UNAVAILABLE when somebody else
 * has it (or has just taken it away), RV_ERROR_NOT_FOUND when it is not there. */
int evidence_spool_lock(const char *path, int flags, GError **error);
