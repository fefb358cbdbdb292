#include "core/play/feed/feed.h"

#include <pthread.h>
#include <string.h>

#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/base/mailbox.h"
#include "proto/base/thread.h"
#include "proto/playout.pb-c.h"
#include "proto/rpc/rpc.h"

#define CONNECT_MS 5000
#define CONNECT_TRY_MS 200 /* of it, before looking whether it is still wanted */
/* The engine's first answers may have to wait for it to come up: on a busy machine, for the first time, seconds. */
#define START_MS 10000
#define CALL_MS 2000
/* How long to wait before asking again for a block that is not planned yet, or after a transient refusal. */
#define RETRY_MS 1000
/* The blocks that a session is seeded with: the one on the air and the one after it. */
#define SEED_BLOCKS 2

typedef Retrovue__Playout__V1__BlockEvent BlockEvent;
typedef Retrovue__Playout__V1__HouseFormat HouseFormatMessage;

struct Feed {
        char *channel_id, *session_id, *control_path, *stream_path, *second_path, *evidence_endpoint, *spool_dir;
        PlanBoard *board;
        RvClock *clock;
        GMainContext *context;
        int64_t preroll_ms;
        JoinKeys keys;
        void (*on_epoch)(void *user, int64_t epoch_utc_ms);
        void (*on_live)(void *user);
        void (*on_end)(void *user, FeedEnd end, const char *detail);
        void *user;
        RvThread *thread;

        /* The director's thread only. */
        RpcClient *client;
        PlanReader *reader; /* what it hands out is not changed any more */
        int credits;
        int64_t next_start_utc_ms; /* where the next block to be fed begins */
        int64_t missed_utc_ms;     /* the last fence at which nothing was planned */
        FeedEnd end;
        char detail[256];

        pthread_mutex_t lock; /* guards what follows */
        RpcCall *events;      /* NULL unless it may be woken */
        char *stop_reason;    /* NULL = go on */
        FeedStats stats;
};

/* --- small pieces ------------------------------------------------------------------------------------------------ */

static bool fail(Feed *feed, FeedEnd end, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool fail(Feed *feed, FeedEnd end, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        g_vsnprintf(feed->detail, sizeof feed->detail, format, arguments);
        va_end(arguments);
        feed->end = end;
        return false;
}

static char *dup_stop_reason(Feed *feed) {
        pthread_mutex_lock(&feed->lock);
        char *reason = g_strdup(feed->stop_reason);
        pthread_mutex_unlock(&feed->lock);
        return reason;
}

static bool stop_asked(Feed *feed) {
        g_autofree char *reason = dup_stop_reason(feed);
        return reason != NULL;
}

static void wake(Feed *feed) {
        pthread_mutex_lock(&feed->lock);
        if (feed->events)
                rpc_wake(feed->events);
        pthread_mutex_unlock(&feed->lock);
}

static void publish_events(Feed *feed, RpcCall *events) {
        pthread_mutex_lock(&feed->lock);
        feed->events = events;
        pthread_mutex_unlock(&feed->lock);
}

static bool call(Feed *feed, const char *method, const void *request, void **ret_response, int timeout_ms) {
        RpcStatus status = rpc_client_call(feed->client, &retrovue__playout__v1__playout_control__descriptor, method,
                                           request, ret_response, timeout_ms);
        if (status.code == RPC_CODE_OK)
                return true;
        return fail(feed, FEED_LOST, "%s: %s", method, status.message);
}

static const char *result_name(int result) {
        const ProtobufCEnumValue *value =
                protobuf_c_enum_descriptor_get_value(&retrovue__playout__v1__result__descriptor, result);
        return value ? value->name : "an unknown result";
}

/* --- the plan ---------------------------------------------------------------------------------------------------- */

/* The planned block at an instant, or NULL: nothing is planned there. */
static BlockPlan *block_at(Feed *feed, int64_t utc_ms) {
        BlockPlan *block = NULL;
        return plan_reader_take(feed->reader, utc_ms, &block) == PLAN_OK ? block : NULL;
}

/* INV-HORIZON-FAULTS-001: the instant has come and the plan has nothing for it. */
static void miss(Feed *feed, int64_t utc_ms) {
        if (feed->missed_utc_ms == utc_ms)
                return;
        feed->missed_utc_ms = utc_ms;
        plan_board_count_fault(feed->board, feed->channel_id);
        rv_warning("feed.no_schedule_data", RV_S("channel", feed->channel_id), RV_I("at_utc_ms", utc_ms));
}

/* INV-CHANNELMANAGER-NO-PLANNING-001: the block that follows the last one fed, or NULL: not planned yet. After a hole
 * in the plan, the one on the air now.
 */
static BlockPlan *next_block(Feed *feed) {
        int64_t now = rv_clock_utc_ms(feed->clock);
        int64_t at = MAX(feed->next_start_utc_ms, 0);
        BlockPlan *block = block_at(feed, at);
        if (!block && at < now) {
                miss(feed, at);
                block = block_at(feed, now);
        }
        if (!block || block->start_utc_ms >= at)
                return block;
        g_autoptr(BlockPlan) entered = block;
        return block_plan_join(entered, at);
}

/* What goes out, whatever is fed: fixed for the session. */
typedef struct {
        HouseFormat format;
        HouseStyle *style; /* a reference */
} House;

static bool house(Feed *feed, House *ret_house) {
        g_autoptr(PlanView) view = plan_board_view(feed->board, feed->channel_id);
        if (view)
                *ret_house = (House){view->spec->format, house_style_ref(view->spec->style)};
        return view != NULL;
}

/* --- start ------------------------------------------------------------------------------------------------------- */

static bool connect_engine(Feed *feed) {
        g_autoptr(GError) error = NULL;
        for (int tries = CONNECT_MS / CONNECT_TRY_MS; tries > 0 && !feed->client && !stop_asked(feed); tries--) {
                g_clear_error(&error);
                feed->client = rpc_client_connect(feed->control_path, CONNECT_TRY_MS, (RpcOptions){0}, &error);
        }
        if (!feed->client)
                return fail(feed, FEED_LOST, "cannot reach the engine: %s",
                            error ? error->message : "it is not wanted");

        Retrovue__Playout__V1__GetVersionRequest request = RETROVUE__PLAYOUT__V1__GET_VERSION_REQUEST__INIT;
        Retrovue__Playout__V1__GetVersionResponse *version = NULL;
        if (!call(feed, "GetVersion", &request, (void **)&version, START_MS))
                return false;
        int32_t protocol = version->protocol_version;
        rpc_message_free(version);
        if (protocol != 1)
                return fail(feed, FEED_REFUSED,
                            "the engine speaks protocol %d, this program speaks 1: install both from one build",
                            protocol);
        return true;
}

static bool attach_stream(Feed *feed, char *endpoint, int32_t rendition) {
        Retrovue__Playout__V1__AttachStreamRequest request = RETROVUE__PLAYOUT__V1__ATTACH_STREAM_REQUEST__INIT;
        request.transport = RETROVUE__PLAYOUT__V1__TRANSPORT__TRANSPORT_UNIX;
        request.endpoint = endpoint;
        request.rendition = rendition;
        Retrovue__Playout__V1__AttachStreamResponse *response = NULL;
        if (!call(feed, "AttachStream", &request, (void **)&response, START_MS))
                return false;
        bool done = response->result == RETROVUE__PLAYOUT__V1__RESULT__RESULT_OK;
        if (!done)
                fail(feed, FEED_REFUSED, "AttachStream: %s %s", result_name(response->result), response->detail);
        rpc_message_free(response);
        return done;
}

static bool attach_streams(Feed *feed) {
        return attach_stream(feed, feed->stream_path, 0) &&
               (!feed->second_path || attach_stream(feed, feed->second_path, 1));
}

static BlockPlan *wait_for_plan(Feed *feed, int64_t *ret_epoch_utc_ms) {
        int64_t now = rv_clock_utc_ms(feed->clock);
        int64_t epoch = now - feed->preroll_ms;
        g_autoptr(BlockPlan) block = block_at(feed, epoch);
        if (!block && (block = block_at(feed, now))) /* the plan begins less than the preroll ago */
                epoch = MAX(epoch, block->start_utc_ms);
        if (!block) {
                miss(feed, now);
                fail(feed, FEED_NO_SCHEDULE_DATA, "nothing is planned for channel %s now", feed->channel_id);
                return NULL;
        }
        *ret_epoch_utc_ms = join_instant(block, epoch, feed->keys);
        return block_plan_join(block, *ret_epoch_utc_ms);
}

static void note_fed(Feed *feed, const BlockPlan *block) {
        feed->next_start_utc_ms = block->end_utc_ms;
        pthread_mutex_lock(&feed->lock);
        feed->stats.blocks_fed++;
        feed->stats.fed_until_utc_ms = block->end_utc_ms;
        pthread_mutex_unlock(&feed->lock);
}

static bool send_start(Feed *feed, const House *house, int64_t epoch_utc_ms, BlockPlan *const *blocks, unsigned n) {
        HouseFormatMessage format_message = RETROVUE__PLAYOUT__V1__HOUSE_FORMAT__INIT;
        house_format_to_message(&house->format, &format_message);
        Retrovue__Playout__V1__BlockPlan *messages[SEED_BLOCKS];
        for (unsigned i = 0; i < n; i++)
                messages[i] = block_plan_to_message(blocks[i]);

        Retrovue__Playout__V1__StartBlockPlanSessionRequest request =
                RETROVUE__PLAYOUT__V1__START_BLOCK_PLAN_SESSION_REQUEST__INIT;
        request.channel_id = feed->channel_id;
        request.session_id = feed->session_id;
        request.epoch_utc_ms = epoch_utc_ms;
        request.house_format = &format_message;
        request.house_style = house_style_to_message(house->style);
        request.blocks = messages;
        request.n_blocks = n;
        request.evidence_endpoint = feed->evidence_endpoint;
        request.evidence_spool_dir = feed->spool_dir;
        Retrovue__Playout__V1__StartBlockPlanSessionResponse *response = NULL;
        bool done = call(feed, "StartBlockPlanSession", &request, (void **)&response, START_MS);
        if (done && response->result != RETROVUE__PLAYOUT__V1__RESULT__RESULT_OK)
                done = fail(feed, FEED_REFUSED, "StartBlockPlanSession: %s %s", result_name(response->result),
                            response->detail);
        if (done)
                feed->credits = response->credits;
        rpc_message_free(response);
        house_style_message_free(request.house_style);
        for (unsigned i = 0; i < n; i++)
                block_plan_message_free(messages[i]);
        return done;
}

/* INV-JIP-ANCHOR-001: the join instant is fixed here, once, and everything on the session's clock follows from it. */
static bool start_session(Feed *feed) {
        House going_out;
        int64_t epoch_utc_ms;
        BlockPlan *blocks[SEED_BLOCKS] = {0};
        if (!house(feed, &going_out))
                return fail(feed, FEED_NO_SCHEDULE_DATA, "channel %s is not published", feed->channel_id);
        blocks[0] = wait_for_plan(feed, &epoch_utc_ms);
        if (!blocks[0]) {
                house_style_unref(going_out.style);
                return false;
        }
        unsigned n = 1;
        if ((blocks[1] = block_at(feed, blocks[0]->end_utc_ms)))
                n = blocks[1]->start_utc_ms == blocks[0]->end_utc_ms ? 2 : 1;
        feed->on_epoch(feed->user, epoch_utc_ms);
        bool done = send_start(feed, &going_out, epoch_utc_ms, blocks, n);
        house_style_unref(going_out.style);
        for (unsigned i = 0; i < SEED_BLOCKS; i++) {
                if (done && i < n)
                        note_fed(feed, blocks[i]);
                if (blocks[i])
                        block_plan_unref(blocks[i]);
        }
        return done;
}

/* --- the session ------------------------------------------------------------------------------------------------- */

typedef enum { FED, WAIT, BROKEN } Step;

static Step judge_feed(Feed *feed, const BlockPlan *block,
                       const Retrovue__Playout__V1__FeedBlockPlanResponse *response) {
        switch ((int)response->result) {
        case RETROVUE__PLAYOUT__V1__RESULT__RESULT_OK:
                feed->credits = response->credits;
                note_fed(feed, block); /* INV-FEED-EXACTLY-ONCE: only now does the next one become due */
                return FED;
        case RETROVUE__PLAYOUT__V1__RESULT__RESULT_QUEUE_FULL: /* INV-FEED-QUEUE-001: not an error, the credit comes
                                                                  back */
                feed->credits = 0;
                return WAIT;
        default:
                fail(feed, FEED_REFUSED, "block %s: %s %s", block->block_id, result_name(response->result),
                     response->detail);
                return BROKEN;
        }
}

static Step feed_one(Feed *feed) {
        g_autoptr(BlockPlan) block = next_block(feed);
        if (!block)
                return WAIT;
        Retrovue__Playout__V1__FeedBlockPlanRequest request = RETROVUE__PLAYOUT__V1__FEED_BLOCK_PLAN_REQUEST__INIT;
        request.session_id = feed->session_id;
        request.block = block_plan_to_message(block);
        Retrovue__Playout__V1__FeedBlockPlanResponse *response = NULL;
        Step step = BROKEN;
        if (call(feed, "FeedBlockPlan", &request, (void **)&response, CALL_MS))
                step = judge_feed(feed, block, response);
        rpc_message_free(response);
        block_plan_message_free(request.block);
        return step;
}

/* Feeds while there are credits and blocks. False: the session is over. */
static bool feed_all(Feed *feed) {
        Step step = FED;
        while (feed->credits > 0 && step == FED)
                step = feed_one(feed);
        return step != BROKEN;
}

/* False: the engine says that the session is over. */
static bool take_event(Feed *feed, const BlockEvent *event) {
        bool go_on = true;
        pthread_mutex_lock(&feed->lock);
        switch ((int)event->event_case) {
        case RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_BLOCK_STARTED:
                feed->stats.blocks_started++;
                feed->credits = event->block_started->credits;
                break;
        case RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_BLOCK_COMPLETED:
                feed->stats.blocks_completed++;
                feed->stats.pad_frames += event->block_completed->pad_frames;
                break;
        case RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_SESSION_ENDED:
                go_on = fail(feed, FEED_LOST, "the engine ended the session: %s %s", event->session_ended->reason,
                             event->session_ended->detail);
                break;
        default:
                break;
        }
        pthread_mutex_unlock(&feed->lock);
        return go_on;
}

static bool take_message(Feed *feed, RpcCall *events) {
        BlockEvent *event = rpc_read(events);
        if (!event)
                return fail(feed, FEED_LOST, "the engine's event stream ended");
        bool go_on = take_event(feed, event);
        rpc_message_free(event);
        return go_on;
}

static void play(Feed *feed, RpcCall *events) {
        while (!stop_asked(feed)) {
                if (!feed_all(feed))
                        return;
                /* With credits left the plan ends here: look again soon, a publication wakes us earlier. */
                switch (rpc_wait(events, feed->credits > 0 ? RETRY_MS : -1)) {
                case RPC_EVENT_MESSAGE:
                        if (!take_message(feed, events))
                                return;
                        break;
                case RPC_EVENT_END:
                        fail(feed, FEED_LOST, "the connection to the engine ended");
                        return;
                case RPC_EVENT_WOKEN:
                case RPC_EVENT_TIMEOUT:
                        break;
                }
        }
}

static void stop_session(Feed *feed) {
        g_autofree char *reason = dup_stop_reason(feed);
        Retrovue__Playout__V1__StopBlockPlanSessionRequest request =
                RETROVUE__PLAYOUT__V1__STOP_BLOCK_PLAN_SESSION_REQUEST__INIT;
        request.session_id = feed->session_id;
        request.reason = reason;
        Retrovue__Playout__V1__StopBlockPlanSessionResponse *response = NULL;
        if (!call(feed, "StopBlockPlanSession", &request, (void **)&response, CALL_MS))
                rv_warning("feed.stop_unanswered", RV_S("channel", feed->channel_id), RV_S("detail", feed->detail));
        rpc_message_free(response);
        fail(feed, FEED_STOPPED, "%s", reason);
}

static void tell_live(void *user) {
        Feed *feed = user;
        feed->on_live(feed->user);
}

static void tell_end(void *user) {
        Feed *feed = user;
        feed->on_end(feed->user, feed->end, feed->detail);
}

/* INV-FEED-QUEUE-002: the engine says when it will tell us of every event; only then does the session start. */
static bool await_subscription(Feed *feed, RpcCall *events) {
        RpcEvent event;
        while ((event = rpc_wait(events, START_MS)) == RPC_EVENT_WOKEN && !stop_asked(feed))
                ;
        if (event != RPC_EVENT_MESSAGE)
                return fail(feed, FEED_LOST, "the engine does not answer to a subscription");
        return take_message(feed, events);
}

static void converse(Feed *feed) {
        Retrovue__Playout__V1__SubscribeBlockEventsRequest request =
                RETROVUE__PLAYOUT__V1__SUBSCRIBE_BLOCK_EVENTS_REQUEST__INIT;
        RpcCall *events = rpc_client_open(feed->client, &retrovue__playout__v1__playout_control__descriptor,
                                          "SubscribeBlockEvents", &request);
        if (!events) {
                fail(feed, FEED_LOST, "cannot subscribe to the engine's events");
                return;
        }
        publish_events(feed, events);
        if (await_subscription(feed, events) && attach_streams(feed) && start_session(feed)) {
                rv_mailbox_call(feed->context, tell_live, feed);
                play(feed, events);
                if (stop_asked(feed))
                        stop_session(feed);
        }
        publish_events(feed, NULL);
        (void)rpc_close(events);
}

static void direct(void *user) {
        Feed *feed = user;
        if (connect_engine(feed))
                converse(feed);
        if (stop_asked(feed))
                feed->end = FEED_STOPPED;
        rpc_client_free(feed->client);
        rv_mailbox_call(feed->context, tell_end, feed); /* the owner may free us from now on, once we are joined */
}

/* --- owner's side ------------------------------------------------------------------------------------------------ */

Feed *feed_start(const FeedOptions *options, GError **error) {
        Feed *feed = g_new0(Feed, 1);
        feed->channel_id = g_strdup(options->channel_id);
        feed->session_id = g_strdup(options->session_id);
        feed->control_path = g_strdup(options->control_path);
        feed->stream_path = g_strdup(options->stream_path);
        feed->second_path = g_strdup(options->second_path);
        feed->evidence_endpoint = g_strdup(options->evidence_endpoint);
        feed->spool_dir = g_strdup(options->spool_dir);
        feed->board = plan_board_ref(options->board);
        feed->reader = plan_reader_new(options->board, options->channel_id);
        feed->clock = options->clock;
        feed->context = options->context;
        feed->preroll_ms = options->preroll_ms;
        feed->keys = options->keys;
        feed->on_epoch = options->on_epoch;
        feed->on_live = options->on_live;
        feed->on_end = options->on_end;
        feed->user = options->user;
        pthread_mutex_init(&feed->lock, NULL);
        feed->thread = rv_thread_start("feed", RV_PRIORITY_NORMAL, direct, feed, error);
        if (feed->thread)
                return feed;
        feed_free(feed);
        return NULL;
}

void feed_stop(Feed *feed, const char *reason) {
        pthread_mutex_lock(&feed->lock);
        if (!feed->stop_reason)
                feed->stop_reason = g_strdup(reason);
        pthread_mutex_unlock(&feed->lock);
        wake(feed);
}

void feed_plan_changed(Feed *feed) {
        wake(feed);
}

FeedStats feed_stats(Feed *feed) {
        pthread_mutex_lock(&feed->lock);
        FeedStats stats = feed->stats;
        pthread_mutex_unlock(&feed->lock);
        return stats;
}

void feed_free(Feed *feed) {
        if (!feed)
                return;
        rv_thread_join(feed->thread);
        plan_reader_free(feed->reader);
        plan_board_unref(feed->board);
        pthread_mutex_destroy(&feed->lock);
        g_free(feed->channel_id);
        g_free(feed->session_id);
        g_free(feed->control_path);
        g_free(feed->stream_path);
        g_free(feed->second_path);
        g_free(feed->evidence_endpoint);
        g_free(feed->spool_dir);
        g_free(feed->stop_reason);
        g_free(feed);
}
