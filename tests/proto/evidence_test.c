#include "tests/support/cmocka.h"

#include <string.h>

#include "proto/evidence/evidence.h"
#include "tests/support/chance.h"

typedef Retrovue__Evidence__V1__EvidenceFromAir Message;

static char *any_text(GRand *rand) {
        g_autofree char *bytes = chance_bytes(rand, 30);
        return g_utf8_make_valid(bytes, -1);
}

static char *some_text(GRand *rand) {
        g_autofree char *text = any_text(rand);
        return g_strconcat("x", text, NULL);
}

static void fill_segment(EvidenceEvent *event, GRand *rand) {
        event->event_id = any_text(rand);
        event->segment_uuid = any_text(rand);
        event->asset_uuid = g_rand_boolean(rand) ? some_text(rand) : NULL;
        event->segment_index = g_rand_int_range(rand, 0, G_MAXINT32);
        event->type = (SegmentType)g_rand_int_range(rand, SEGMENT_CONTENT, SEGMENT_PAD + 1);
        event->start_utc_ms = chance_int64(rand);
        event->asset_start_frame = chance_int64(rand);
}

static void fill_start(EvidenceEvent *event, GRand *rand) {
        event->title = any_text(rand);
        event->asset_uri = g_rand_boolean(rand) ? some_text(rand) : NULL;
        event->tick = chance_int64(rand);
        event->scheduled_duration_ms = chance_int64(rand);
        event->join_in_progress = g_rand_boolean(rand);
}

static void fill_end(EvidenceEvent *event, GRand *rand) {
        event->start_tick = chance_int64(rand);
        event->end_tick = chance_int64(rand);
        event->end_utc_ms = chance_int64(rand);
        event->asset_end_frame = chance_int64(rand);
        event->frames = chance_int64(rand);
        event->fallback_frames = chance_int64(rand);
        event->status = (SegmentStatus)g_rand_int_range(rand, SEGMENT_STATUS_AIRED, SEGMENT_STATUS_ERROR + 1);
        event->reason = any_text(rand);
}

static void fill_block(EvidenceEvent *event, GRand *rand) {
        event->primed = g_rand_boolean(rand);
        if (event->kind == EVIDENCE_BLOCK_START) {
                event->tick = chance_int64(rand);
                event->fence_tick = chance_int64(rand);
                event->start_utc_ms = chance_int64(rand);
                event->title = any_text(rand);
                return;
        }
        event->end_tick = chance_int64(rand);
        event->end_utc_ms = chance_int64(rand);
        event->frames = chance_int64(rand);
        event->truncated_by_fence = g_rand_boolean(rand);
        event->early_exhaustion = g_rand_boolean(rand);
}

/* An event with every field that its kind has, and no other. */
static EvidenceEvent *event_of(EvidenceKind kind, GRand *rand) {
        EvidenceEvent *event = evidence_event_new(kind);
        event->channel_id = any_text(rand);
        event->session_id = any_text(rand);
        event->event_uuid = any_text(rand);
        event->sequence = kind == EVIDENCE_HELLO ? 0 : 1 + g_rand_int_range(rand, 0, G_MAXINT32);
        event->emitted_utc_ms = chance_int64(rand);
        event->events_refused = chance_int64(rand);
        if (kind == EVIDENCE_HELLO) {
                event->first_sequence_available = chance_int64(rand);
                event->last_sequence_emitted = chance_int64(rand);
                return event;
        }
        if (kind == EVIDENCE_CHANNEL_TERMINATED) {
                event->end_utc_ms = chance_int64(rand);
                event->reason = any_text(rand);
                event->detail = any_text(rand);
                return event;
        }
        event->block_id = any_text(rand);
        if (kind == EVIDENCE_BLOCK_START || kind == EVIDENCE_BLOCK_FENCE) {
                fill_block(event, rand);
                return event;
        }
        fill_segment(event, rand);
        if (kind == EVIDENCE_SEGMENT_START)
                fill_start(event, rand);
        else
                fill_end(event, rand);
        return event;
}

static void check_text(const char *a, const char *b) {
        assert_int_equal(a == NULL, b == NULL);
        if (a)
                assert_string_equal(a, b);
}

static void check_equal(const EvidenceEvent *a, const EvidenceEvent *b) {
        check_text(a->channel_id, b->channel_id);
        check_text(a->session_id, b->session_id);
        check_text(a->event_uuid, b->event_uuid);
        check_text(a->block_id, b->block_id);
        check_text(a->event_id, b->event_id);
        check_text(a->segment_uuid, b->segment_uuid);
        check_text(a->asset_uuid, b->asset_uuid);
        check_text(a->title, b->title);
        check_text(a->asset_uri, b->asset_uri);
        check_text(a->reason, b->reason);
        check_text(a->detail, b->detail);

        /* The rest at once: what is not a pointer. */
        EvidenceEvent plain_a = *a, plain_b = *b;
        EvidenceEvent *plain[] = {&plain_a, &plain_b};
        for (int i = 0; i < 2; i++) {
                EvidenceEvent *p = plain[i];
                p->channel_id = p->session_id = p->event_uuid = p->block_id = p->event_id = p->segment_uuid = NULL;
                p->asset_uuid = p->title = p->asset_uri = p->reason = p->detail = NULL;
        }
        assert_memory_equal(&plain_a, &plain_b, sizeof(plain_a));
}

static void every_kind_survives_the_wire_whole(void **state) {
        GRand *rand = chance_new();
        for (int i = 0; i < 600; i++) {
                g_autoptr(EvidenceEvent) event = event_of((EvidenceKind)(i % 6 + 1), rand);
                g_autoptr(EvidenceEvent) copy = evidence_event_copy(event);
                check_equal(event, copy);
                g_autoptr(GBytes) bytes = evidence_event_pack(event);
                gsize size;
                const void *data = g_bytes_get_data(bytes, &size);
                g_autoptr(EvidenceEvent) back = evidence_event_unpack(data, size);
                assert_non_null(back);
                check_equal(event, back);
        }
        g_rand_free(rand);
}

static void half_an_event_is_none(void **state) {
        GRand *rand = chance_new();
        for (int kind = EVIDENCE_HELLO; kind <= EVIDENCE_CHANNEL_TERMINATED; kind++) {
                g_autoptr(EvidenceEvent) event = event_of((EvidenceKind)kind, rand);
                event->events_refused = 0; /* the only thing that comes behind the payload */
                g_autoptr(GBytes) bytes = evidence_event_pack(event);
                gsize size;
                const uint8_t *data = g_bytes_get_data(bytes, &size);
                /* The payload comes last: no proper prefix holds it. */
                for (gsize length = 0; length < size; length++) {
                        g_autofree uint8_t *prefix = g_memdup2(data, length);
                        assert_null(evidence_event_unpack(prefix, length));
                }
        }
        g_rand_free(rand);
}

/* Takes the message. */
static void check_refused(Message *message) {
        assert_null(evidence_event_from_message(message));
        evidence_message_free(message);
}

static Message *message_of(EvidenceKind kind) {
        GRand *rand = g_rand_new_with_seed(kind);
        g_autoptr(EvidenceEvent) event = event_of(kind, rand);
        g_rand_free(rand);
        Message *message = evidence_event_to_message(event);
        g_autoptr(EvidenceEvent) accepted = evidence_event_from_message(message);
        assert_non_null(accepted);
        return message;
}

static void numbers_out_of_their_range_are_refused(void **state) {
        Message *message = message_of(EVIDENCE_SEGMENT_END);
        message->schema_version = 2;
        check_refused(message);
        message = message_of(EVIDENCE_BLOCK_START);
        message->sequence = 0;
        check_refused(message);
        message = message_of(EVIDENCE_BLOCK_START);
        message->sequence = -1;
        check_refused(message);
        message = message_of(EVIDENCE_HELLO);
        message->sequence = 1;
        check_refused(message);
        message = message_of(EVIDENCE_SEGMENT_END);
        message->segment_end->status = 0;
        check_refused(message);
        message = message_of(EVIDENCE_SEGMENT_END);
        message->segment_end->status = 7;
        check_refused(message);
        message = message_of(EVIDENCE_SEGMENT_START);
        message->segment_start->type = 11;
        check_refused(message);
        message = message_of(EVIDENCE_SEGMENT_START);
        message->segment_start->type = -1;
        check_refused(message);
        assert_null(evidence_event_from_message(NULL));
}

static void a_message_without_payload_is_refused(void **state) {
        Message message = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__INIT;
        message.schema_version = EVIDENCE_SCHEMA_VERSION;
        message.sequence = 1;
        assert_null(evidence_event_from_message(&message));
}

static void strings_that_are_none_are_refused(void **state) {
        Message *message = message_of(EVIDENCE_SEGMENT_START);
        Retrovue__Evidence__V1__SegmentStart *start = message->segment_start;
        char **const strings[] = {
                &message->channel_id, &message->playout_session_id, &message->event_uuid, &start->block_id,
                &start->event_id,     &start->segment_uuid,         &start->asset_uuid,   &start->title,
                &start->asset_uri};
        for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
                char not_utf8[] = "\xc3\x28", *before = *strings[i];
                *strings[i] = NULL;
                assert_null(evidence_event_from_message(message));
                *strings[i] = not_utf8;
                assert_null(evidence_event_from_message(message));
                *strings[i] = before;
        }
        evidence_message_free(message);
}

static void text_that_is_not_utf8_is_repaired_on_the_way_out(void **state) {
        g_autoptr(EvidenceEvent) event = evidence_event_new(EVIDENCE_CHANNEL_TERMINATED);
        event->sequence = 7;
        event->reason = g_strdup("output_failed");
        event->detail = g_strdup("cannot open caf\xe9");
        g_autoptr(GBytes) bytes = evidence_event_pack(event);
        gsize size;
        const void *data = g_bytes_get_data(bytes, &size);
        g_autoptr(EvidenceEvent) back = evidence_event_unpack(data, size);
        assert_non_null(back);
        assert_string_equal(back->detail, "cannot open caf\xef\xbf\xbd");
        assert_string_equal(back->channel_id, "");
}

static void names(void **state) {
        assert_string_equal(evidence_kind_name(EVIDENCE_HELLO), "hello");
        assert_string_equal(evidence_kind_name(EVIDENCE_CHANNEL_TERMINATED), "channel_terminated");
        assert_string_equal(evidence_kind_name(0), "unknown");
        assert_string_equal(evidence_kind_name(7), "unknown");
        assert_string_equal(segment_status_name(SEGMENT_STATUS_AIRED), "AIRED");
        assert_string_equal(segment_status_name(SEGMENT_STATUS_ERROR), "ERROR");
        assert_string_equal(segment_status_name(0), "UNKNOWN");
        assert_string_equal(segment_status_name(7), "UNKNOWN");
        evidence_event_free(NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_kind_survives_the_wire_whole),
                cmocka_unit_test(half_an_event_is_none),
                cmocka_unit_test(numbers_out_of_their_range_are_refused),
                cmocka_unit_test(a_message_without_payload_is_refused),
                cmocka_unit_test(strings_that_are_none_are_refused),
                cmocka_unit_test(text_that_is_not_utf8_is_repaired_on_the_way_out),
                cmocka_unit_test(names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
