/*
 * Engines that only tell: each is a connection of its own to a core's evidence service, as an engine's is.
 *   bench_tell SOCKET STREAMS MODE N
 * MODE fence: every stream tells of a fence (the end of a segment and of a block, the start of the next of both) at the
 * same instant, N times; rate: all streams together N events a second for ten seconds, each awaited; fast: every stream
 * N events, 8 unacknowledged at most. Prints one line of JSON: events, seconds from the first to the last
 * acknowledgement, latencies from sending to acknowledgement in ms.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "proto/base/clock.h"
#include "proto/base/id.h"
#include "proto/base/thread.h"
#include "proto/evidence/evidence.h"
#include "proto/rpc/rpc.h"

#define WORKERS 16
#define WINDOW 64
#define AT_ONCE                                                                                                        \
        8 /* of one stream, when it goes fast: a stream that nobody reads for seconds would be taken for dead          \
           */
#define EVENTS_OF_A_FENCE 4
#define RATE_S 10
#define S INT64_C(1000000000)

typedef struct {
        char channel_id[16], session_id[RV_UUID_SIZE], segment_uuid[RV_UUID_SIZE];
        RpcClient *client;
        RpcCall *call;
        int64_t sent, acked;
        int64_t sent_ns[WINDOW]; /* by sequence, modulo */
} Stream;

typedef struct {
        Stream *streams;
        unsigned n;
        int64_t amount;
        GArray *latencies_ms; /* double */
} Worker;

static _Noreturn void fail(const char *what) {
        fprintf(stderr, "bench_tell: %s\n", what);
        exit(2);
}

static int64_t now_ns(void) {
        return rv_clock_mono_ns(rv_clock_system());
}

/* --- an engine ---------------------------------------------------------------------------------------------------- */

static void fill_in(EvidenceEvent *event, Stream *stream, int64_t sequence) {
        static const EvidenceKind kinds[] = {EVIDENCE_SEGMENT_END, EVIDENCE_BLOCK_FENCE, EVIDENCE_BLOCK_START,
                                             EVIDENCE_SEGMENT_START};
        event->kind = sequence ? kinds[sequence % EVENTS_OF_A_FENCE] : EVIDENCE_HELLO;
        event->channel_id = g_strdup(stream->channel_id);
        event->session_id = g_strdup(stream->session_id);
        event->sequence = sequence;
        event->event_uuid = g_malloc(RV_UUID_SIZE);
        rv_uuid_random(event->event_uuid);
        event->emitted_utc_ms = event->start_utc_ms = rv_clock_utc_ms(rv_clock_system());
        event->end_utc_ms = event->start_utc_ms + 30000;
        event->block_id = g_strdup_printf("%s-block-%d", stream->channel_id, (int)(sequence / 4));
        event->event_id = g_strdup_printf("%s-event-%d", stream->channel_id, (int)(sequence / 4));
        if (event->kind == EVIDENCE_SEGMENT_START)
                rv_uuid_random(stream->segment_uuid);
        event->segment_uuid = g_strdup(stream->segment_uuid);
        event->title = g_strdup("An episode of a series with a title");
        event->asset_uri = g_strdup("/srv/media/series/A Series/Season 01/A Series - S01E01 - An episode.mkv");
        event->type = SEGMENT_CONTENT;
        event->status = SEGMENT_STATUS_AIRED;
        event->frames = 900;
}

static void tell(Stream *stream, int64_t sequence) {
        g_autoptr(EvidenceEvent) event = evidence_event_new(EVIDENCE_HELLO);
        fill_in(event, stream, sequence);
        Retrovue__Evidence__V1__EvidenceFromAir *message = evidence_event_to_message(event);
        stream->sent_ns[sequence % WINDOW] = now_ns();
        if (!rpc_write(stream->call, message))
                fail("a stream was ended");
        evidence_message_free(message);
        stream->sent = sequence;
}

/* The next acknowledgement, and how long each event that it speaks for has waited. */
static void hear(Stream *stream, GArray *latencies_ms) {
        Retrovue__Evidence__V1__EvidenceAck *ack = rpc_read(stream->call);
        if (!ack)
                fail("a stream was ended instead of an acknowledgement");
        for (int64_t s = stream->acked + 1; s <= ack->acked_sequence; s++) {
                const double waited_ms = (double)(now_ns() - stream->sent_ns[s % WINDOW]) / 1e6;
                g_array_append_val(latencies_ms, waited_ms);
        }
        stream->acked = ack->acked_sequence;
        rpc_message_free(ack);
}

static void connect_stream(Stream *stream, const char *socket, unsigned number) {
        g_snprintf(stream->channel_id, sizeof stream->channel_id, "bench-%u", number);
        rv_uuid_random(stream->session_id);
        rv_uuid_random(stream->segment_uuid);
        stream->client = rpc_client_connect(socket, 10000, (RpcOptions){0}, NULL);
        stream->call = stream->client ? rpc_client_open(stream->client, &retrovue__evidence__v1__evidence__descriptor,
                                                        "EvidenceStream", NULL)
                                      : NULL;
        if (!stream->call)
                fail("core does not take so many connections");
        tell(stream, 0);
        Retrovue__Evidence__V1__EvidenceAck *ack = rpc_read(stream->call);
        if (!ack)
                fail("hello was not answered");
        rpc_message_free(ack);
}

/* --- what they do: each worker has a share of the streams ----------------------------------------------------------
 */

static void tell_fences(void *user) {
        Worker *worker = user;
        for (int64_t round = 0; round < worker->amount; round++) {
                for (unsigned i = 0; i < worker->n; i++)
                        for (int e = 0; e < EVENTS_OF_A_FENCE; e++)
                                tell(&worker->streams[i], worker->streams[i].sent + 1);
                for (unsigned i = 0; i < worker->n; i++)
                        while (worker->streams[i].acked < worker->streams[i].sent)
                                hear(&worker->streams[i], worker->latencies_ms);
        }
}

static void tell_at_a_rate(void *user) {
        Worker *worker = user;
        const int64_t begin = now_ns(), n = worker->amount * RATE_S / WORKERS;
        for (int64_t i = 0; i < n; i++) {
                Stream *stream = &worker->streams[i % worker->n];
                rv_clock_sleep_until_mono_ns(rv_clock_system(), begin + i * S * WORKERS / worker->amount);
                tell(stream, stream->sent + 1);
                while (stream->acked < stream->sent)
                        hear(stream, worker->latencies_ms);
        }
}

static void tell_fast(void *user) {
        Worker *worker = user;
        for (int64_t left = worker->amount; left > 0; left -= MIN(left, AT_ONCE)) {
                const int64_t n = MIN(left, AT_ONCE);
                for (unsigned i = 0; i < worker->n; i++)
                        for (int64_t e = 0; e < n; e++)
                                tell(&worker->streams[i], worker->streams[i].sent + 1);
                for (unsigned i = 0; i < worker->n; i++)
                        while (worker->streams[i].acked < worker->streams[i].sent)
                                hear(&worker->streams[i], worker->latencies_ms);
        }
}

static int by_value(const void *a, const void *b) {
        const double x = *(const double *)a, y = *(const double *)b;
        return x < y ? -1 : x > y;
}

static void print_result(const GArray *latencies, int64_t took_ns) {
        const double *sorted = (const double *)latencies->data;
        qsort(latencies->data, latencies->len, sizeof(double), by_value);
        printf("{\"events\": %u, \"seconds\": %.3f, \"p50_ms\": %.1f, \"p99_ms\": %.1f, \"max_ms\": %.1f}\n",
               latencies->len, (double)took_ns / 1e9, sorted[latencies->len / 2], sorted[latencies->len * 99 / 100],
               sorted[latencies->len - 1]);
}

static void work(Stream *streams, unsigned n, void (*f)(void *user), int64_t amount) {
        Worker workers[WORKERS];
        RvThread *threads[WORKERS];
        g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(double));
        const int64_t begin = now_ns();
        for (unsigned i = 0; i < WORKERS; i++) {
                const unsigned first = n * i / WORKERS, end = n * (i + 1) / WORKERS;
                workers[i] = (Worker){&streams[first], end - first, amount, g_array_new(FALSE, FALSE, sizeof(double))};
                threads[i] = rv_thread_start("teller", RV_PRIORITY_NORMAL, f, &workers[i], NULL);
        }
        for (unsigned i = 0; i < WORKERS; i++) {
                rv_thread_join(threads[i]);
                g_array_append_vals(all, workers[i].latencies_ms->data, workers[i].latencies_ms->len);
                g_array_unref(workers[i].latencies_ms);
        }
        print_result(all, now_ns() - begin);
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*f)(void *user);
        } modes[] = {{"fence", tell_fences}, {"rate", tell_at_a_rate}, {"fast", tell_fast}};
        const unsigned n = argc == 5 ? (unsigned)g_ascii_strtoull(argv[2], NULL, 10) : 0;
        struct rlimit limit;
        if (n < WORKERS)
                fail("SOCKET STREAMS fence|rate|fast N; 16 streams at least");
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
        rpc_init();
        Stream *streams = g_new0(Stream, n);
        for (unsigned i = 0; i < n; i++)
                connect_stream(&streams[i], argv[1], i);
        for (size_t i = 0; i < G_N_ELEMENTS(modes); i++)
                if (strcmp(argv[3], modes[i].name) == 0)
                        work(streams, n, modes[i].f, (int64_t)g_ascii_strtoull(argv[4], NULL, 10));
        for (unsigned i = 0; i < n; i++) {
                (void)rpc_close(streams[i].call);
                rpc_client_free(streams[i].client);
        }
        g_free(streams);
        return 0;
}
