#include "air/evidence/evidence.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "air/evidence/spool.h"
#include "proto/base/error.h"
#include "proto/base/id.h"
#include "proto/rpc/rpc.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define SESSION "11111111-2222-4333-8444-555555555555"
#define OTHER "aaaaaaaa-2222-4333-8444-555555555555"

typedef Retrovue__Evidence__V1__EvidenceFromAir FromAir;
typedef Retrovue__Evidence__V1__EvidenceAck Ack;

/* --- a core ---------------------------------------------------------------------------------------------------------
 */

typedef struct {
        char *session;
        int64_t sequence; /* 0: hello */
        int64_t first, last;
        int64_t refused; /* events, it says */
        bool spooled;    /* was in the spool file when it came */
} Arrival;

typedef struct {
        char *dir, *endpoint, *spool_path;
        RpcServer *server;
        pthread_mutex_t lock; /* guards: */
        pthread_cond_t more;
        GArray *arrivals;      /* Arrival */
        int64_t stored;        /* of SESSION: answer to hello, and highest acknowledged */
        int64_t hang_up_after; /* this sequence; 0 = never */
        bool silent;           /* acknowledges nothing but hello */
        bool lies;             /* acknowledges what was never sent */
} Core;

static void clear_arrival(gpointer arrival) {
        g_free(((Arrival *)arrival)->session);
}

static bool file_holds(const char *path, const char *text) {
        g_autofree char *data = NULL;
        gsize size;
        return g_file_get_contents(path, &data, &size, NULL) && memmem(data, size, text, strlen(text));
}

/* Notes it and decides on the answer. False: hang up. */
static bool note(Core *core, const FromAir *in, int64_t *ret_ack) {
        const bool ours = strcmp(in->playout_session_id, SESSION) == 0;
        const bool hello = in->payload_case == RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_HELLO;
        Arrival arrival = {
                .session = g_strdup(in->playout_session_id),
                .sequence = in->sequence,
                .first = hello ? in->hello->first_sequence_available : 0,
                .last = hello ? in->hello->last_sequence_emitted : 0,
                .refused = in->events_refused,
                .spooled = ours && file_holds(core->spool_path, in->event_uuid),
        };
        pthread_mutex_lock(&core->lock);
        g_array_append_val(core->arrivals, arrival);
        if (ours && !core->silent && !hello)
                core->stored = MAX(core->stored, in->sequence);
        *ret_ack = ours ? core->stored : in->sequence;
        if (core->lies)
                *ret_ack = 1000000;
        const bool answer = hello || !core->silent;
        const bool stay = !core->hang_up_after || in->sequence < core->hang_up_after;
        pthread_cond_broadcast(&core->more);
        pthread_mutex_unlock(&core->lock);
        if (!answer)
                *ret_ack = -1;
        return stay;
}

static RpcStatus take(void *user, RpcCall *call, const void *request) {
        Core *core = user;
        bool stay = true;
        while (stay) {
                FromAir *in = rpc_read(call);
                if (!in)
                        break;
                Ack ack = RETROVUE__EVIDENCE__V1__EVIDENCE_ACK__INIT;
                ack.playout_session_id = in->playout_session_id;
                stay = note(core, in, &ack.acked_sequence);
                if (stay && ack.acked_sequence >= 0)
                        stay = rpc_write(call, &ack);
                rpc_message_free(in);
        }
        return RPC_OK;
}

static void core_start(Core *core) {
        static const RpcMethod METHODS[] = {{.name = "EvidenceStream", .stream = take, .client_streams = true}};
        core->server = rpc_server_new(NULL, (RpcOptions){0});
        rpc_server_add(core->server, &retrovue__evidence__v1__evidence__descriptor, METHODS, 1, core);
        assert_true(rpc_server_listen(core->server, core->endpoint, NULL));
        assert_true(rpc_server_start(core->server, NULL));
}

static void core_stop(Core *core) {
        rpc_server_free(core->server, 0);
        core->server = NULL;
}

static Core *core_new(void) {
        Core *core = g_new0(Core, 1);
        core->dir = temp_dir_new();
        core->endpoint = g_build_filename(core->dir, "core.sock", NULL);
        core->spool_path = g_build_filename(core->dir, SESSION ".spool", NULL);
        core->arrivals = g_array_new(FALSE, FALSE, sizeof(Arrival));
        g_array_set_clear_func(core->arrivals, clear_arrival);
        pthread_mutex_init(&core->lock, NULL);
        pthread_cond_init(&core->more, NULL);
        return core;
}

static void core_free(Core *core) {
        core_stop(core);
        g_array_unref(core->arrivals);
        pthread_cond_destroy(&core->more);
        pthread_mutex_destroy(&core->lock);
        g_free(core->endpoint);
        g_free(core->spool_path);
        temp_dir_free(core->dir);
        g_free(core);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Core, core_free)

static int64_t latest(const Core *core, const char *session) {
        int64_t sequence = 0;
        for (guint i = 0; i < core->arrivals->len; i++) {
                const Arrival *arrival = &g_array_index(core->arrivals, Arrival, i);
                if (strcmp(arrival->session, session) == 0)
                        sequence = MAX(sequence, arrival->sequence);
        }
        return sequence;
}

static void await(Core *core, const char *session, int64_t sequence) {
        pthread_mutex_lock(&core->lock);
        while (latest(core, session) < sequence)
                pthread_cond_wait(&core->more, &core->lock);
        pthread_mutex_unlock(&core->lock);
}

/* Once each, in order, from 1, whatever connections they came over. */
static void assert_gapless(const Core *core, int64_t last) {
        int64_t next = 1;
        for (guint i = 0; i < core->arrivals->len; i++) {
                const Arrival *arrival = &g_array_index(core->arrivals, Arrival, i);
                if (arrival->sequence > 0 && strcmp(arrival->session, SESSION) == 0)
                        assert_int_equal(arrival->sequence, next++);
        }
        assert_int_equal(next, last + 1);
}

/* --- a sender -------------------------------------------------------------------------------------------------------
 */

static EvidenceSender *sender_new(const Core *core, size_t max_bytes) {
        const EvidenceOptions options = {
                .channel_id = "retro",
                .session_id = SESSION,
                .endpoint = core->endpoint,
                .spool_dir = core->dir,
                .spool_max_bytes = max_bytes,
                .clock = rv_clock_system(),
        };
        EvidenceSender *sender = evidence_sender_new(&options, NULL);
        assert_non_null(sender);
        return sender;
}

static EvidenceEvent *fence_event(void) {
        EvidenceEvent *event = evidence_event_new(EVIDENCE_BLOCK_FENCE);
        event->block_id = g_strdup("block");
        return event;
}

static void emit(EvidenceSender *sender, int n) {
        for (int i = 0; i < n; i++)
                assert_true(evidence_sender_emit(sender, fence_event()));
}

static GBytes *packed(const char *session, int64_t sequence) {
        char uuid[RV_UUID_SIZE];
        rv_uuid_random(uuid);
        g_autoptr(EvidenceEvent) event = fence_event();
        event->channel_id = g_strdup("retro");
        event->session_id = g_strdup(session);
        event->event_uuid = g_strdup(uuid);
        event->sequence = sequence;
        return evidence_event_pack(event);
}

static void fill_spool(const char *path, const char *session, int64_t first, int64_t last) {
        g_autoptr(Spool) spool = spool_open(path, NULL);
        assert_non_null(spool);
        if (first > 1) { /* sequences begin where the first one does */
                for (int64_t s = 1; s < first; s++)
                        spool_append(spool, s, packed(session, s));
                spool_acknowledge(spool, first - 1);
        }
        for (int64_t s = first; s <= last; s++)
                assert_true(spool_append(spool, s, packed(session, s)));
}

/* --- tests ----------------------------------------------------------------------------------------------------------
 */

static void INV_EVIDENCE_001_numbers_are_gapless_from_one(void **state) {
        g_autoptr(Core) core = core_new();
        core_start(core);
        EvidenceSender *sender = sender_new(core, 0);
        emit(sender, 200);
        await(core, SESSION, 200);
        evidence_sender_free(sender, 5000);
        core_stop(core);
        assert_gapless(core, 200);
        assert_false(g_file_test(core->spool_path, G_FILE_TEST_EXISTS)); /* all acknowledged */
}

static void INV_EVIDENCE_002_events_are_on_disk_before_they_are_sent(void **state) {
        g_autoptr(Core) core = core_new();
        core->silent = true;
        core_start(core);
        EvidenceSender *sender = sender_new(core, 0);
        emit(sender, 20);
        await(core, SESSION, 20);
        evidence_sender_free(sender, 0);
        core_stop(core);
        for (guint i = 0; i < core->arrivals->len; i++) {
                const Arrival *arrival = &g_array_index(core->arrivals, Arrival, i);
                assert_true(arrival->spooled || arrival->sequence == 0);
        }
}

static void INV_EVIDENCE_003_after_a_reconnect_only_what_is_not_acknowledged_is_sent(void **state) {
        g_autoptr(Core) core = core_new();
        core->hang_up_after = 3;
        core_start(core);
        EvidenceSender *sender = sender_new(core, 0);
        emit(sender, 3);
        await(core, SESSION, 3);
        pthread_mutex_lock(&core->lock);
        core->hang_up_after = 0;
        pthread_mutex_unlock(&core->lock);
        emit(sender, 3);
        await(core, SESSION, 6);
        evidence_sender_free(sender, 5000);
        core_stop(core);
        assert_gapless(core, 6);
        const Arrival *first = &g_array_index(core->arrivals, Arrival, 0);
        assert_int_equal(first->sequence, 0);
}

static void INV_EVIDENCE_003_core_that_restarts_gets_the_rest(void **state) {
        g_autoptr(Core) core = core_new();
        EvidenceSender *sender = sender_new(core, 0);
        emit(sender, 5);
        core_start(core);
        await(core, SESSION, 5);
        core_stop(core);
        emit(sender, 5);
        core->stored = 5;
        core_start(core);
        await(core, SESSION, 10);
        evidence_sender_free(sender, 5000);
        core_stop(core);
        assert_int_equal(latest(core, SESSION), 10);
        assert_int_equal(core->stored, 10);
}

static void INV_EVIDENCE_003_at_most_64_are_under_way(void **state) {
        g_autoptr(Core) core = core_new();
        core->silent = true;
        core_start(core);
        EvidenceSender *sender = sender_new(core, 0);
        emit(sender, 300);
        await(core, SESSION, 64);
        evidence_sender_free(sender, 0);
        core_stop(core);
        assert_int_equal(latest(core, SESSION), 64);
        g_autoptr(Spool) spool = spool_open(core->spool_path, NULL);
        assert_int_equal(spool_last(spool), 300);
}

static void INV_EVIDENCE_004_what_a_dead_engine_left_is_sent_by_the_next(void **state) {
        g_autoptr(Core) core = core_new();
        g_autofree char *path = g_build_filename(core->dir, OTHER ".spool", NULL);
        fill_spool(path, OTHER, 4, 9);
        core_start(core);
        EvidenceSender *sender = sender_new(core, 0);
        await(core, OTHER, 9);
        emit(sender, 1);
        await(core, SESSION, 1);
        while (g_file_test(path, G_FILE_TEST_EXISTS))
                sched_yield();
        evidence_sender_free(sender, 5000);
        core_stop(core);
        int64_t next = 4;
        for (guint i = 0; i < core->arrivals->len; i++) {
                const Arrival *arrival = &g_array_index(core->arrivals, Arrival, i);
                if (strcmp(arrival->session, OTHER) == 0 && arrival->sequence > 0)
                        assert_int_equal(arrival->sequence, next++);
        }
        assert_int_equal(next, 10);
}

static void INV_EVIDENCE_004_a_living_engines_spool_is_left_alone(void **state) {
        g_autoptr(Core) core = core_new();
        g_autofree char *path = g_build_filename(core->dir, OTHER ".spool", NULL);
        g_autoptr(Spool) living = spool_open(path, NULL);
        spool_append(living, 1, packed(OTHER, 1));
        core_start(core);
        EvidenceSender *sender = sender_new(core, 0);
        emit(sender, 1);
        await(core, SESSION, 1);
        evidence_sender_free(sender, 5000);
        core_stop(core);
        assert_int_equal(latest(core, OTHER), 0);
        assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void INV_EVIDENCE_005_at_the_cap_events_are_refused_without_a_hole(void **state) {
        g_autoptr(Core) core = core_new();
        EvidenceSender *sender = sender_new(core, 8192);
        int taken = 0;
        while (evidence_sender_emit(sender, fence_event()))
                taken++;
        assert_in_range(taken, 5, 100);
        assert_false(evidence_sender_emit(sender, fence_event()));
        assert_int_equal(evidence_sender_stats(sender).refused, 2);
        assert_true(evidence_sender_emit(sender, evidence_event_new(EVIDENCE_CHANNEL_TERMINATED)));
        core_start(core);
        await(core, SESSION, taken + 1);
        while (evidence_sender_stats(sender).acked < taken + 1)
                sched_yield();
        emit(sender, 1);
        await(core, SESSION, taken + 2);
        evidence_sender_free(sender, 5000);
        core_stop(core);
        assert_gapless(core, taken + 2);
        for (guint i = 0; i < core->arrivals->len; i++) { /* what comes after the loss tells how much it was */
                const Arrival *arrival = &g_array_index(core->arrivals, Arrival, i);
                assert_int_equal(arrival->refused, arrival->sequence > taken ? 2 : 0);
        }
}

/* Nobody answers, nobody even reads: emitting must come to its end all the same. */
static void INV_EVIDENCE_006_emitting_waits_for_nobody(void **state) {
        g_autoptr(Core) core = core_new();
        core->silent = true;
        core_start(core);
        EvidenceSender *sender = sender_new(core, 0);
        emit(sender, 2000);
        assert_int_equal(evidence_sender_stats(sender).emitted, 2000);
        assert_int_equal(evidence_sender_stats(sender).acked, 0);
        evidence_sender_free(sender, 0);
        g_autoptr(Spool) spool = spool_open(core->spool_path, NULL);
        assert_int_equal(spool_first(spool), 1);
        assert_int_equal(spool_last(spool), 2000);
}

static void INV_EVIDENCE_007_a_torn_record_ends_the_spool(void **state) {
        g_autoptr(Core) core = core_new();
        for (int damage = 0; damage < 3; damage++) {
                (void)g_unlink(core->spool_path);
                fill_spool(core->spool_path, SESSION, 1, 5);
                g_autofree char *data = NULL;
                gsize size;
                assert_true(g_file_get_contents(core->spool_path, &data, &size, NULL));
                if (damage == 0)
                        size -= 3;
                else if (damage == 1)
                        data[size - 3] ^= 1;
                else
                        memset(data + size - 20, 0xff, 20);
                assert_true(g_file_set_contents(core->spool_path, data, (gssize)size, NULL));
                g_autoptr(Spool) spool = spool_open(core->spool_path, NULL);
                assert_int_equal(spool_last(spool), 4);
                assert_true(spool_append(spool, 5, packed(SESSION, 5)));
                g_clear_pointer(&spool, spool_close);
                spool = spool_open(core->spool_path, NULL);
                assert_int_equal(spool_last(spool), 5);
        }
}

static void a_full_disk_loses_nothing_once_there_is_room(void **state) {
        g_autoptr(Core) core = core_new();
        g_autoptr(Spool) spool = spool_open(core->spool_path, NULL);
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit before, tight = {400, RLIM_INFINITY};
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        int64_t sequence = 1;
        while (spool_append(spool, sequence, packed(SESSION, sequence)))
                sequence++;
        assert_false(spool_append(spool, sequence + 1, packed(SESSION, sequence + 1)));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_true(spool_append(spool, sequence + 2, packed(SESSION, sequence + 2)));
        g_clear_pointer(&spool, spool_close);
        spool = spool_open(core->spool_path, NULL);
        assert_int_equal(spool_first(spool), 1);
        assert_int_equal(spool_last(spool), sequence + 2);
}

static void acknowledged_bytes_do_not_pile_up_in_the_file(void **state) {
        g_autoptr(Core) core = core_new();
        g_autoptr(Spool) spool = spool_open(core->spool_path, NULL);
        for (int64_t s = 1; s <= 5000; s++) {
                spool_append(spool, s, packed(SESSION, s));
                spool_acknowledge(spool, s - 1);
        }
        GStatBuf st;
        assert_int_equal(g_stat(core->spool_path, &st), 0);
        assert_in_range(st.st_size, 1, 300000);
        assert_int_equal(spool_first(spool), 5000);
        g_clear_pointer(&spool, spool_close);
        spool = spool_open(core->spool_path, NULL);
        assert_int_equal(spool_last(spool), 5000);
}

static void acknowledgement_of_what_was_never_sent_is_not_believed(void **state) {
        g_autoptr(Core) core = core_new();
        core->lies = true;
        core_start(core);
        EvidenceSender *sender = sender_new(core, 0);
        emit(sender, 3);
        await(core, SESSION, 3);
        evidence_sender_free(sender, 0);
        g_autoptr(Spool) spool = spool_open(core->spool_path, NULL);
        assert_int_equal(spool_first(spool), 1);
}

static void without_a_spool_directory_events_are_still_sent(void **state) {
        g_autoptr(Core) core = core_new();
        core_start(core);
        const EvidenceOptions options = {
                .channel_id = "retro",
                .session_id = SESSION,
                .endpoint = core->endpoint,
                .spool_dir = "/nonexistent/spool",
                .clock = rv_clock_system(),
        };
        EvidenceSender *sender = evidence_sender_new(&options, NULL);
        emit(sender, 3);
        await(core, SESSION, 3);
        evidence_sender_free(sender, 5000);
}

int main(void) {
        signal(SIGPIPE, SIG_IGN);
        rpc_init();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_EVIDENCE_001_numbers_are_gapless_from_one),
                cmocka_unit_test(INV_EVIDENCE_002_events_are_on_disk_before_they_are_sent),
                cmocka_unit_test(INV_EVIDENCE_003_after_a_reconnect_only_what_is_not_acknowledged_is_sent),
                cmocka_unit_test(INV_EVIDENCE_003_core_that_restarts_gets_the_rest),
                cmocka_unit_test(INV_EVIDENCE_003_at_most_64_are_under_way),
                cmocka_unit_test(INV_EVIDENCE_004_what_a_dead_engine_left_is_sent_by_the_next),
                cmocka_unit_test(INV_EVIDENCE_004_a_living_engines_spool_is_left_alone),
                cmocka_unit_test(INV_EVIDENCE_005_at_the_cap_events_are_refused_without_a_hole),
                cmocka_unit_test(INV_EVIDENCE_006_emitting_waits_for_nobody),
                cmocka_unit_test(INV_EVIDENCE_007_a_torn_record_ends_the_spool),
                cmocka_unit_test(a_full_disk_loses_nothing_once_there_is_room),
                cmocka_unit_test(acknowledged_bytes_do_not_pile_up_in_the_file),
                cmocka_unit_test(acknowledgement_of_what_was_never_sent_is_not_believed),
                cmocka_unit_test(without_a_spool_directory_events_are_still_sent),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
