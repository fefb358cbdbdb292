/* Bytes -> event -> bytes: what is accepted once is packed and accepted again, and then no longer changes. */
#include "proto/evidence/evidence.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autoptr(EvidenceEvent) event = evidence_event_unpack(data, size);
        if (!event)
                return 0;
        g_assert_cmpstr(evidence_kind_name(event->kind), !=, "unknown");
        g_autoptr(EvidenceEvent) copy = evidence_event_copy(event);
        g_autoptr(GBytes) bytes = evidence_event_pack(copy);
        gsize packed_size;
        const void *packed = g_bytes_get_data(bytes, &packed_size);
        g_autoptr(EvidenceEvent) back = evidence_event_unpack(packed, packed_size);
        g_assert(back && back->kind == event->kind && back->sequence == event->sequence);
        g_autoptr(GBytes) again = evidence_event_pack(back);
        g_assert(g_bytes_equal(bytes, again));
        return 0;
}
