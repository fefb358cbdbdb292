#include "core/play/feed/feed.h"

#include <pthread.h>
#include <string.h>

#include "proto/rpc/rpc.h"
#include "tests/core/play_fixture.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define NOON INT64_C(1795262400000)
#define BLOCK_MS 60000
#define N_BLOCKS 8
#define UUID "00000000-0000-4000-8000-%012u"

typedef Retrovue__Playout__V1__BlockEvent BlockEvent;

/* --- an engine that answers as the test says, over real gRPC --------------------------------------------------------
 */

typedef struct {
        RvClock *clock;
        PlanBoard *board;
        char *dir, *socket;
        RpcServer *server;
        RpcCall *events; /* the subscriber, once it is there */
        pthread_mutex_t lock;
        GQueue outgoing; /* credits to tell with block_started */
        GPtrArray *fed;  /* BlockPlan, in the order accepted */
        int64_t epoch_utc_ms;
        bool subscribed_first;
        int credits_at_start, credits_after_feed;
        int full_answers; /* so many feeds are answered with QUEUE_FULL */
        int refuse_with;  /* a Result for feeds; 0 = OK */
        char *stop_reason;
        bool live, ended;
        FeedEnd end;
        char *detail;
        int64_t told_epoch_utc_ms;
        int64_t key_ms; /* the only key picture that is known of the film; 0 = none is */
} Engine;

static RpcStatus get_version(void *user, const void *request, void *response) {
        Retrovue__Playout__V1__GetVersionResponse *answer = response;
        answer->protocol_version = 1;
        return RPC_OK;
}

static RpcStatus attach(void *user, const void *request, void *response) {
        ((Retrovue__Playout__V1__AttachStreamResponse *)response)->result = RETROVUE__PLAYOUT__V1__RESULT__RESULT_OK;
        return RPC_OK;
}

static void keep(Engine *engine, const Retrovue__Playout__V1__BlockPlan *message) {
        BlockPlan *block = block_plan_from_message(message);
        assert_int_equal(block_plan_validate(block, NULL), BLOCK_PLAN_OK);
        g_ptr_array_add(engine->fed, block);
}

static RpcStatus start(void *user, const void *request, void *response) {
        Engine *engine = user;
        const Retrovue__Playout__V1__StartBlockPlanSessionRequest *asked = request;
        Retrovue__Playout__V1__StartBlockPlanSessionResponse *answer = response;
        pthread_mutex_lock(&engine->lock);
        engine->subscribed_first = engine->events != NULL;
        pthread_mutex_unlock(&engine->lock);
        engine->epoch_utc_ms = asked->epoch_utc_ms;
        for (size_t i = 0; i < asked->n_blocks; i++)
                keep(engine, asked->blocks[i]);
        answer->result = RETROVUE__PLAYOUT__V1__RESULT__RESULT_OK;
        answer->credits = engine->credits_at_start;
        return RPC_OK;
}

static RpcStatus feed(void *user, const void *request, void *response) {
        Engine *engine = user;
        const Retrovue__Playout__V1__FeedBlockPlanRequest *asked = request;
        Retrovue__Playout__V1__FeedBlockPlanResponse *answer = response;
        answer->result = RETROVUE__PLAYOUT__V1__RESULT__RESULT_OK;
        if (engine->refuse_with) {
                answer->result = (Retrovue__Playout__V1__Result)engine->refuse_with;
        } else if (engine->full_answers > 0) {
                engine->full_answers--;
                answer->result = RETROVUE__PLAYOUT__V1__RESULT__RESULT_QUEUE_FULL;
        } else {
                keep(engine, asked->block);
                answer->credits = engine->credits_after_feed;
        }
        return RPC_OK;
}

static RpcStatus stop(void *user, const void *request, void *response) {
        Engine *engine = user;
        g_free(engine->stop_reason);
        engine->stop_reason = g_strdup(((const Retrovue__Playout__V1__StopBlockPlanSessionRequest *)request)->reason);
        ((Retrovue__Playout__V1__StopBlockPlanSessionResponse *)response)->result =
                RETROVUE__PLAYOUT__V1__RESULT__RESULT_OK;
        return RPC_OK;
}

static bool tell_started(RpcCall *call, int credits) {
        BlockEvent event = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__INIT;
        Retrovue__Playout__V1__BlockStarted started = RETROVUE__PLAYOUT__V1__BLOCK_STARTED__INIT;
        started.credits = credits;
        event.event_case = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_BLOCK_STARTED;
        event.block_started = &started;
        return rpc_write(call, &event);
}

static RpcStatus subscribe(void *user, RpcCall *call, const void *request) {
        Engine *engine = user;
        BlockEvent event = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__INIT;
        Retrovue__Playout__V1__Subscribed subscribed = RETROVUE__PLAYOUT__V1__SUBSCRIBED__INIT;
        event.event_case = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_SUBSCRIBED;
        event.subscribed = &subscribed;
        pthread_mutex_lock(&engine->lock);
        engine->events = call;
        pthread_mutex_unlock(&engine->lock);
        if (!rpc_write(call, &event))
                return RPC_OK;
        while (rpc_wait(call, -1) == RPC_EVENT_WOKEN) {
                pthread_mutex_lock(&engine->lock);
                int credits = GPOINTER_TO_INT(g_queue_pop_head(&engine->outgoing));
                pthread_mutex_unlock(&engine->lock);
                if (credits > 0 && !tell_started(call, credits))
                        break;
        }
        pthread_mutex_lock(&engine->lock);
        engine->events = NULL;
        pthread_mutex_unlock(&engine->lock);
        return RPC_OK;
}

static void give_credits(Engine *engine, int credits) {
        pthread_mutex_lock(&engine->lock);
        g_queue_push_tail(&engine->outgoing, GINT_TO_POINTER(credits));
        rpc_wake(engine->events);
        pthread_mutex_unlock(&engine->lock);
}

static const RpcMethod methods[] = {
        {.name = "GetVersion", .unary = get_version},      {.name = "AttachStream", .unary = attach},
        {.name = "StartBlockPlanSession", .unary = start}, {.name = "FeedBlockPlan", .unary = feed},
        {.name = "StopBlockPlanSession", .unary = stop},   {.name = "SubscribeBlockEvents", .stream = subscribe},
};

/* --- a plan of minutes ----------------------------------------------------------------------------------------------
 */

static BlockPlan *make_block(unsigned i) {
        g_autofree char *id = g_strdup_printf("block-%u", i), *event_id = g_strdup_printf("event-%u", i);
        g_autofree char *uuid = g_strdup_printf(UUID, i);
        BlockPlan *block = block_plan_new(id, "retro", "Show", NOON + i * BLOCK_MS, NOON + (i + 1) * BLOCK_MS, 1);
        BlockSegment *segment = &block->segments[0];
        segment->type = SEGMENT_PAD;
        segment->event_id = block_plan_text(block, event_id);
        segment->segment_uuid = block_plan_text(block, uuid);
        segment->title = "pad";
        segment->duration_ms = BLOCK_MS;
        return block;
}

/* The second minute is one of a film, which begins a minute into it. */
static void publish_film(Engine *engine) {
        GPtrArray *blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        for (unsigned i = 0; i < N_BLOCKS; i++)
                g_ptr_array_add(blocks, make_block(i));
        BlockSegment *segment = ((BlockPlan *)blocks->pdata[1])->segments;
        segment->type = SEGMENT_CONTENT;
        segment->asset_uuid = "film";
        segment->asset_uri = "/media/film.mkv";
        segment->asset_start_offset_ms = BLOCK_MS;
        publish_blocks(engine->board, "retro", blocks);
}

static int64_t key_before(void *user, const char *asset_uuid, int64_t at_ms) {
        const Engine *engine = user;
        assert_string_equal(asset_uuid, "film");
        return engine->key_ms > 0 && engine->key_ms <= at_ms ? engine->key_ms : -1;
}

static void publish(Engine *engine, unsigned n_blocks) {
        GPtrArray *blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        for (unsigned i = 0; i < n_blocks; i++)
                g_ptr_array_add(blocks, make_block(i));
        publish_blocks(engine->board, "retro", blocks);
}

/* --- the feed
 * --------------------------------------------------------------------------------------------------------- */

static guint looking;

static gboolean look_again(void *user) {
        return G_SOURCE_CONTINUE;
}

static int setup(void **state) {
        g_autoptr(GError) error = NULL;
        Engine *engine = g_new0(Engine, 1);
        rpc_init();
        looking = g_timeout_add(2, look_again, NULL);
        pthread_mutex_init(&engine->lock, NULL);
        g_queue_init(&engine->outgoing);
        engine->clock = rv_clock_fake_new(NOON + 90000 + 3000);
        engine->board = plan_board_new();
        engine->dir = temp_dir_new();
        engine->socket = g_build_filename(engine->dir, "engine", NULL);
        engine->fed = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        engine->server = rpc_server_new(NULL, (RpcOptions){0});
        rpc_server_add(engine->server, &retrovue__playout__v1__playout_control__descriptor, methods,
                       G_N_ELEMENTS(methods), engine);
        assert_true(rpc_server_listen(engine->server, engine->socket, &error));
        assert_true(rpc_server_start(engine->server, &error));
        *state = engine;
        return 0;
}

static int teardown(void **state) {
        Engine *engine = *state;
        g_source_remove(looking);
        if (engine->server)
                rpc_server_free(engine->server, 100);
        plan_board_unref(engine->board);
        rv_clock_fake_free(engine->clock);
        g_ptr_array_unref(engine->fed);
        g_queue_clear(&engine->outgoing);
        pthread_mutex_destroy(&engine->lock);
        temp_dir_free(engine->dir);
        g_free(engine->socket);
        g_free(engine->stop_reason);
        g_free(engine->detail);
        g_free(engine);
        return 0;
}

static void on_epoch(void *user, int64_t epoch_utc_ms) {
        ((Engine *)user)->told_epoch_utc_ms = epoch_utc_ms;
}

static void on_live(void *user) {
        ((Engine *)user)->live = true;
}

static void on_end(void *user, FeedEnd end, const char *detail) {
        Engine *engine = user;
        engine->ended = true;
        engine->end = end;
        engine->detail = g_strdup(detail);
}

static Feed *start_feed(Engine *engine) {
        g_autoptr(GError) error = NULL;
        FeedOptions options = {
                .channel_id = "retro",
                .session_id = "00000000-0000-4000-8000-00000000beef",
                .board = engine->board,
                .control_path = engine->socket,
                .stream_path = "/nowhere",
                .evidence_endpoint = "/nowhere",
                .spool_dir = engine->dir,
                .preroll_ms = 3000,
                .keys = {key_before, engine},
                .clock = engine->clock,
                .on_epoch = on_epoch,
                .on_live = on_live,
                .on_end = on_end,
                .user = engine,
        };
        Feed *made = feed_start(&options, &error);
        assert_null(error);
        return made;
}

/* Runs the control loop until the condition holds; conditions that other threads make true are looked at every few
 * milliseconds. The test's own time limit ends what never comes. */
#define AWAIT(condition)                                                                                               \
        while (!(condition))                                                                                           \
        g_main_context_iteration(NULL, TRUE)

static void end_feed(Engine *engine, Feed *made) {
        feed_stop(made, "test_over");
        AWAIT(engine->ended);
        feed_free(made);
}

static void assert_fed_in_order(Engine *engine, unsigned n) {
        assert_int_equal(engine->fed->len, n);
        for (unsigned i = 0; i < n; i++) {
                const BlockPlan *block = g_ptr_array_index(engine->fed, i);
                g_autofree char *id = g_strdup_printf("block-%u", i + 1);
                assert_string_equal(block->block_id, id);
        }
}

static void INV_JIP_ANCHOR_001_joins_the_block_on_the_air_less_the_preroll(void **state) {
        Engine *engine = *state;
        publish(engine, N_BLOCKS);
        Feed *made = start_feed(engine);
        AWAIT(engine->live);
        assert_int_equal(engine->epoch_utc_ms, NOON + 90000);
        assert_int_equal(engine->told_epoch_utc_ms, NOON + 90000);
        const BlockPlan *first = g_ptr_array_index(engine->fed, 0);
        assert_string_equal(first->block_id, "block-1");
        assert_int_equal(first->start_utc_ms, NOON + 90000);
        assert_int_equal(first->end_utc_ms, NOON + 120000);
        assert_true(first->join_in_progress);
        end_feed(engine, made);
        assert_int_equal(engine->end, FEED_STOPPED);
        assert_string_equal(engine->stop_reason, "test_over");
}

static void assert_joined_at(Engine *engine, int64_t utc_ms) {
        Feed *made = start_feed(engine);
        AWAIT(engine->live);
        assert_int_equal(engine->epoch_utc_ms, utc_ms);
        assert_int_equal(engine->told_epoch_utc_ms, utc_ms);
        const BlockPlan *first = g_ptr_array_index(engine->fed, 0);
        assert_int_equal(first->start_utc_ms, utc_ms);
        assert_int_equal(first->end_utc_ms, NOON + 120000);
        assert_int_equal(first->segments[0].asset_start_offset_ms, utc_ms - NOON);
        assert_fed_in_order(engine, 2);
        end_feed(engine, made);
}

static void INV_JIP_KEY_001_a_session_begins_behind_a_key_picture(void **state) {
        Engine *engine = *state;
        engine->key_ms = 88000;
        publish_film(engine);
        assert_joined_at(engine, NOON + 88000 + JOIN_BEHIND_KEY_MS);
}

static void INV_JIP_KEY_001_a_session_begins_as_ever_with_a_film_that_was_not_measured(void **state) {
        Engine *engine = *state;
        publish_film(engine);
        assert_joined_at(engine, NOON + 90000);
}

static void INV_FEED_QUEUE_002_subscribes_before_it_starts(void **state) {
        Engine *engine = *state;
        publish(engine, N_BLOCKS);
        Feed *made = start_feed(engine);
        AWAIT(engine->live);
        assert_true(engine->subscribed_first);
        end_feed(engine, made);
}

static void INV_FEED_EXACTLY_ONCE_blocks_follow_credits(void **state) {
        Engine *engine = *state;
        publish(engine, N_BLOCKS);
        Feed *made = start_feed(engine);
        AWAIT(engine->live);
        assert_fed_in_order(engine, 2); /* the seed, and not one more without a credit */
        for (unsigned n = 3; n <= 6; n++) {
                give_credits(engine, 1);
                AWAIT(engine->fed->len == n);
        }
        assert_fed_in_order(engine, 6);
        AWAIT(feed_stats(made).blocks_fed == 6);
        end_feed(engine, made);
}

static void INV_FEED_QUEUE_001_a_full_queue_only_waits(void **state) {
        Engine *engine = *state;
        engine->full_answers = 1;
        engine->credits_at_start = 1;
        publish(engine, N_BLOCKS);
        Feed *made = start_feed(engine);
        AWAIT(engine->live && engine->full_answers == 0);
        give_credits(engine, 1);
        AWAIT(engine->fed->len == 3);
        assert_fed_in_order(engine, 3);
        end_feed(engine, made);
        assert_int_equal(engine->end, FEED_STOPPED);
}

static void INV_CHANNELMANAGER_NO_PLANNING_001_waits_for_the_plan_and_resumes(void **state) {
        Engine *engine = *state;
        engine->credits_at_start = engine->credits_after_feed = 4;
        publish(engine, 2);
        Feed *made = start_feed(engine);
        AWAIT(engine->live);
        assert_fed_in_order(engine, 1);
        publish(engine, 4);
        feed_plan_changed(made);
        AWAIT(engine->fed->len >= 3);
        assert_fed_in_order(engine, 3);
        end_feed(engine, made);
}

static void INV_CHANNELMANAGER_NO_PLANNING_001_no_plan_is_an_explicit_end(void **state) {
        Engine *engine = *state;
        publish(engine, 0);
        Feed *made = start_feed(engine);
        AWAIT(engine->ended);
        assert_int_equal(engine->end, FEED_NO_SCHEDULE_DATA);
        assert_non_null(strstr(engine->detail, "nothing is planned"));
        assert_int_equal(plan_board_faults(engine->board, "retro"), 1);
        feed_free(made);
}

static void INV_HORIZON_FAULTS_001_a_fence_without_a_plan_counts_once(void **state) {
        Engine *engine = *state;
        engine->credits_at_start = engine->credits_after_feed = 4;
        publish(engine, 3);
        Feed *made = start_feed(engine);
        AWAIT(engine->live && feed_stats(made).blocks_fed == 2);
        assert_int_equal(plan_board_faults(engine->board, "retro"), 0); /* short, and not yet missing */
        rv_clock_fake_advance_ms(engine->clock, 2 * BLOCK_MS);
        feed_plan_changed(made);
        AWAIT(plan_board_faults(engine->board, "retro") == 1);
        feed_plan_changed(made);
        publish(engine, N_BLOCKS);
        feed_plan_changed(made);
        AWAIT(engine->fed->len > 2);
        assert_int_equal(plan_board_faults(engine->board, "retro"), 1);
        end_feed(engine, made);
}

static void who_plans_knows_what_was_fed(void **state) {
        Engine *engine = *state;
        int64_t until = 0;
        publish(engine, N_BLOCKS);
        Feed *made = start_feed(engine);
        AWAIT(engine->live);
        assert_false(plan_board_hold(engine->board, "retro", NOON + 2 * BLOCK_MS, &until));
        assert_int_equal(until, NOON + 3 * BLOCK_MS); /* blocks 1 and 2 */
        assert_true(plan_board_hold(engine->board, "retro", until, &until));
        give_credits(engine, 1);
        AWAIT(feed_stats(made).blocks_started == 1);
        assert_fed_in_order(engine, 2); /* it is about to change */
        publish(engine, N_BLOCKS);
        feed_plan_changed(made);
        AWAIT(engine->fed->len == 3);
        assert_fed_in_order(engine, 3);
        end_feed(engine, made);
        assert_true(plan_board_hold(engine->board, "retro", NOON, &until));
}

static void a_refused_block_ends_the_session_with_the_rule(void **state) {
        Engine *engine = *state;
        engine->credits_at_start = 1;
        engine->refuse_with = RETROVUE__PLAYOUT__V1__RESULT__RESULT_INVALID_BLOCK;
        publish(engine, N_BLOCKS);
        Feed *made = start_feed(engine);
        AWAIT(engine->ended);
        assert_int_equal(engine->end, FEED_REFUSED);
        assert_non_null(strstr(engine->detail, "RESULT_INVALID_BLOCK"));
        feed_free(made);
}

static void a_lost_engine_ends_the_feed(void **state) {
        Engine *engine = *state;
        publish(engine, N_BLOCKS);
        Feed *made = start_feed(engine);
        AWAIT(engine->live);
        rpc_server_free(engine->server, 0);
        engine->server = NULL;
        AWAIT(engine->ended);
        assert_int_equal(engine->end, FEED_LOST);
        feed_free(made);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(INV_JIP_ANCHOR_001_joins_the_block_on_the_air_less_the_preroll),
                TEST(INV_JIP_KEY_001_a_session_begins_behind_a_key_picture),
                TEST(INV_JIP_KEY_001_a_session_begins_as_ever_with_a_film_that_was_not_measured),
                TEST(INV_FEED_QUEUE_002_subscribes_before_it_starts),
                TEST(INV_FEED_EXACTLY_ONCE_blocks_follow_credits),
                TEST(INV_FEED_QUEUE_001_a_full_queue_only_waits),
                TEST(INV_CHANNELMANAGER_NO_PLANNING_001_waits_for_the_plan_and_resumes),
                TEST(INV_CHANNELMANAGER_NO_PLANNING_001_no_plan_is_an_explicit_end),
                TEST(INV_HORIZON_FAULTS_001_a_fence_without_a_plan_counts_once),
                TEST(who_plans_knows_what_was_fed),
                TEST(a_refused_block_ends_the_session_with_the_rule),
                TEST(a_lost_engine_ends_the_feed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
