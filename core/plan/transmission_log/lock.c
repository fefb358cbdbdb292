#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/plan/transmission_log/transmission_log.h"

void tl_refusal_clear(TlRefusal *refusal) {
        g_clear_pointer(&refusal->detail, g_free);
        g_clear_pointer(&refusal->asset_id, g_free);
}

const char *tl_fault_name(TlFault fault) {
        static const char *const names[] = {
                [TL_OK] = "ok",
                [TL_GAP] = "gap",
                [TL_UNIT] = "unit",
                [TL_ORDER] = "order",
                [TL_LENGTH] = "length",
                [TL_BLOCK] = "block",
                [TL_INELIGIBLE] = "ineligible",
                [TL_UNRESOLVED] = "unresolved",
        };
        return names[fault];
}

static TlFault G_GNUC_PRINTF(4, 5)
        refuse(TlFault fault, const BlockPlan *block, TlRefusal *refusal, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *why = g_strdup_vprintf(format, args);
        va_end(args);
        refusal->detail =
                g_strdup_printf("block %s \"%s\" of %s: %s", block->block_id, block->title, block->channel_id, why);
        return fault;
}

static TlFault check_seam(const TlRules *rules, const BlockPlan *previous, const BlockPlan *block, TlRefusal *refusal) {
        const int64_t length = block->end_utc_ms - block->start_utc_ms;
        if (length <= 0) /* INV-TL-SEAM-004 */
                return refuse(TL_LENGTH, block, refusal, "INV-TL-SEAM-004: its length is %" G_GINT64_FORMAT " ms",
                              length);
        if (length % rules->unit_ms != 0) /* INV-TL-SEAM-002 */
                return refuse(TL_UNIT, block, refusal,
                              "INV-TL-SEAM-002: its length of %" G_GINT64_FORMAT
                              " ms is not a whole number of grid units of %" G_GINT64_FORMAT " ms",
                              length, rules->unit_ms);
        if (!previous)
                return TL_OK;
        if (block->start_utc_ms <= previous->start_utc_ms) /* INV-TL-SEAM-003 */
                return refuse(TL_ORDER, block, refusal, "INV-TL-SEAM-003: it does not start after block %s",
                              previous->block_id);
        if (block->start_utc_ms != previous->end_utc_ms) /* INV-TL-SEAM-001 */
                return refuse(TL_GAP, block, refusal,
                              "INV-TL-SEAM-001: %" G_GINT64_FORMAT " ms of %s between it and block %s",
                              ABS(block->start_utc_ms - previous->end_utc_ms),
                              block->start_utc_ms > previous->end_utc_ms ? "gap" : "overlap", previous->block_id);
        return TL_OK;
}

/* INV-EXECUTIONENTRY-ELIGIBLE-CONTENT-001 */
static TlFault check_asset(const TlRules *rules, const BlockPlan *block, const BlockSegment *segment,
                           TlRefusal *refusal) {
        const Asset *asset = channel_spec_asset(rules->spec, rules->catalog, segment->asset_uuid);
        if (!asset || !asset_eligible(asset) || g_strcmp0(asset->uri, segment->asset_uri) != 0) {
                refusal->asset_id = g_strdup(segment->asset_uuid);
                return refuse(TL_INELIGIBLE, block, refusal, "segment %d: asset %s \"%s\" may not be planned",
                              segment->index, segment->asset_uuid, segment->title);
        }
        if (segment->asset_start_offset_ms + segment->duration_ms > asset->duration_ms) {
                refusal->asset_id = g_strdup(segment->asset_uuid);
                return refuse(TL_INELIGIBLE, block, refusal, "segment %d: goes beyond the end of \"%s\"",
                              segment->index, segment->title);
        }
        return TL_OK;
}

/* INV-MATERIAL-RESOLVED-BEFORE-HORIZON-ENTRY-001: the file is there, now. */
static TlFault check_file(const BlockPlan *block, const BlockSegment *segment, TlRefusal *refusal) {
        struct stat status;
        if (g_stat(segment->asset_uri, &status) == 0 && S_ISREG(status.st_mode) &&
            g_access(segment->asset_uri, R_OK) == 0)
                return TL_OK;
        refusal->asset_id = g_strdup(segment->asset_uuid);
        return refuse(TL_UNRESOLVED, block, refusal, "segment %d: no file that can be read at %s", segment->index,
                      segment->asset_uri);
}

static TlFault check_segments(const TlRules *rules, const BlockPlan *block, GHashTable *seen, TlRefusal *refusal) {
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                if (segment->type == SEGMENT_PAD)
                        continue;
                TlFault fault = check_asset(rules, block, segment, refusal);
                if (fault == TL_OK && g_hash_table_add(seen, (char *)segment->asset_uri))
                        fault = check_file(block, segment, refusal);
                if (fault != TL_OK)
                        return fault;
        }
        return TL_OK;
}

/* Whose fault a broken block is, as far as an asset can be it: a name or path that cannot be sent. */
static TlFault check_block(const BlockPlan *block, TlRefusal *refusal) {
        g_autofree char *detail = NULL;
        if (block_plan_validate(block, &detail) == BLOCK_PLAN_OK) /* INV-TL-SUM-001 */
                return TL_OK;
        for (uint32_t i = 0; i < block->n_segments && !refusal->asset_id; i++) {
                const BlockSegment *segment = &block->segments[i];
                if (segment->asset_uri && (!g_utf8_validate(segment->asset_uri, -1, NULL) ||
                                           !g_utf8_validate(segment->title ? segment->title : "", -1, NULL)))
                        refusal->asset_id = g_strdup(segment->asset_uuid);
        }
        return refuse(TL_BLOCK, block, refusal, "%s", detail);
}

TlFault transmission_log_check(const TlRules *rules, const GPtrArray *blocks, TlRefusal *ret_refusal) {
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        const BlockPlan *previous = rules->previous;
        for (guint i = 0; i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                TlFault fault = check_seam(rules, previous, block, ret_refusal);
                if (fault == TL_OK)
                        fault = check_block(block, ret_refusal);
                if (fault == TL_OK)
                        fault = check_segments(rules, block, seen, ret_refusal);
                if (fault != TL_OK)
                        return fault;
                previous = block;
        }
        return TL_OK;
}
