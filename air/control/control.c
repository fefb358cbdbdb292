#include "air/control/control.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "air/control/boot.h"
#include "air/control/session.h"
#include "air/control/subscribers.h"
#include "proto/base/error.h"
#include "proto/base/id.h"
#include "proto/base/log.h"
#include "proto/playout.pb-c.h"
#include "proto/rpc/rpc.h"

#define PROTOCOL_VERSION 1
#define DEFAULT_ORPHAN_MS 8500 /* and what it takes to notice and to end: gone within ten seconds */
#define GRACE_MS 100
#define EPOCH_OFFSET_MS 60000 /* further from now an epoch is a mistake */
#define EXIT_BROKEN 1

typedef Retrovue__Playout__V1__Result Result;
#define RESULT(name) RETROVUE__PLAYOUT__V1__RESULT__RESULT_##name

struct Control {
        char *channel_id, *version;
        RvClock *clock;
        int orphan_ms, replay_ms;
        void (*on_quit)(void *user, int exit_status);
        void *user;

        Boot *boot;
        Subscribers *subscribers;
        RpcServer *server;
        Session *session;                    /* NULL: none on the air */
        char *endpoints[SESSION_RENDITIONS]; /* of the attached streams; NULL: none */
        guint orphan_timer;
        int64_t alone_since_ns; /* 0: core is there */
        guint give_up_idle;
        char *broken; /* why */
        bool quitting;
};

static Result result_of(QueueResult result) {
        switch (result) {
        case QUEUE_OK:
                return RESULT(OK);
        case QUEUE_INVALID_BLOCK:
                return RESULT(INVALID_BLOCK);
        case QUEUE_NOT_CONTIGUOUS:
                return RESULT(NOT_CONTIGUOUS);
        case QUEUE_FULL:
                break;
        }
        return RESULT(QUEUE_FULL);
}

/* --- small calls --- */

static RpcStatus get_version(void *user, const void *request, void *response) {
        const Control *control = user;
        Retrovue__Playout__V1__GetVersionResponse *out = response;
        out->version = g_strdup(control->version);
        out->protocol_version = PROTOCOL_VERSION;
        out->channel_id = g_strdup(control->channel_id);
        out->queue_depth = BLOCK_QUEUE_DEPTH;
        if (control->session) {
                out->session_id = g_strdup(session_id(control->session));
                out->session_epoch_utc_ms = session_epoch_utc_ms(control->session);
        }
        return RPC_OK;
}

static bool is_socket(const char *path, GError **error) {
        struct stat st;
        if (path[0] != '/')
                g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s is not an absolute path", path);
        else if (stat(path, &st) < 0)
                rv_error_set_errno(error, errno, "cannot look at %s", path);
        else if (!S_ISSOCK(st.st_mode))
                g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s is not a socket", path);
        else
                return true;
        return false;
}

static bool try_attach(Control *control, const Retrovue__Playout__V1__AttachStreamRequest *in, GError **error) {
        if (in->transport != RETROVUE__PLAYOUT__V1__TRANSPORT__TRANSPORT_UNIX) {
                g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "transport %d is not known", (int)in->transport);
                return false;
        }
        if (in->rendition < 0 || in->rendition >= SESSION_RENDITIONS) {
                g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "there is no rendition %d", in->rendition);
                return false;
        }
        return is_socket(in->endpoint, error) &&
               (!control->session || session_attach(control->session, in->rendition, in->endpoint, error));
}

static RpcStatus attach_stream(void *user, const void *request, void *response) {
        Control *control = user;
        const Retrovue__Playout__V1__AttachStreamRequest *in = request;
        Retrovue__Playout__V1__AttachStreamResponse *out = response;
        g_autoptr(GError) error = NULL;
        if (!try_attach(control, in, &error)) {
                rv_warning("control.stream_refused", RV_S("detail", error->message));
                out->result = RESULT(STREAM_NOT_ATTACHED);
                out->detail = g_strdup(error->message);
                return RPC_OK;
        }
        g_free(control->endpoints[in->rendition]);
        control->endpoints[in->rendition] = g_strdup(in->endpoint);
        out->result = RESULT(OK);
        return RPC_OK;
}

static void forget_endpoints(Control *control) {
        for (int i = 0; i < SESSION_RENDITIONS; i++)
                g_clear_pointer(&control->endpoints[i], g_free);
}

static RpcStatus detach_stream(void *user, const void *request, void *response) {
        Control *control = user;
        Retrovue__Playout__V1__DetachStreamResponse *out = response;
        out->result = control->endpoints[0] ? RESULT(OK) : RESULT(STREAM_NOT_ATTACHED);
        forget_endpoints(control);
        if (control->session)
                session_detach(control->session);
        return RPC_OK;
}

/* --- starting --- */

typedef Retrovue__Playout__V1__StartBlockPlanSessionRequest StartRequest;
typedef Retrovue__Playout__V1__StartBlockPlanSessionResponse StartResponse;

/* What no core of ours would ask for, by mistake of its programmer: NULL when there is nothing of it. */
static const char *malformed(const Control *control, const StartRequest *in, HouseFormat *ret_format,
                             HouseStyle **ret_style) {
        if (strcmp(in->channel_id, control->channel_id) != 0)
                return "this engine plays another channel";
        if (!rv_uuid_valid(in->session_id))
                return "session_id is not a UUID";
        if (!house_format_from_message(in->house_format, ret_format))
                return "house_format cannot be put on the air";
        g_autoptr(HouseStyle) style = house_style_from_message(in->house_style);
        if (!style)
                return "house_style cannot be put on the air";
        const int64_t now_utc_ms = rv_clock_utc_ms(control->clock);
        if (in->epoch_utc_ms < now_utc_ms - control->replay_ms || in->epoch_utc_ms > now_utc_ms + EPOCH_OFFSET_MS)
                return "epoch_utc_ms is too far from now";
        if (*in->evidence_endpoint && (in->evidence_endpoint[0] != '/' || in->evidence_spool_dir[0] != '/'))
                return "evidence_endpoint and evidence_spool_dir must be absolute paths";
        *ret_style = g_steal_pointer(&style);
        return NULL;
}

static Result push_message(BlockQueue *queue, const Retrovue__Playout__V1__BlockPlan *message, char **ret_detail) {
        g_autoptr(BlockPlan) block = message ? block_plan_from_message(message) : NULL;
        if (block)
                return result_of(block_queue_push(queue, block, ret_detail));
        *ret_detail = g_strdup("the block is missing or cannot be read");
        return RESULT(INVALID_BLOCK);
}

/* All of the first blocks or none. */
static Result fill_queue(BlockQueue *queue, const StartRequest *in, char **ret_detail) {
        if (in->n_blocks == 0) {
                *ret_detail = g_strdup("there is no block to begin with");
                return RESULT(INVALID_BLOCK);
        }
        if (in->blocks[0]->start_utc_ms != in->epoch_utc_ms) {
                *ret_detail = g_strdup("the first block does not start at the epoch");
                return RESULT(NOT_CONTIGUOUS);
        }
        Result result = RESULT(OK);
        for (size_t i = 0; i < in->n_blocks && result == RESULT(OK); i++)
                result = push_message(queue, in->blocks[i], ret_detail); /* INV-CONTROL-002 */
        return result;
}

static gboolean give_up(gpointer user) {
        Control *control = user;
        control->give_up_idle = 0;
        control_quit(control, "output_failed", control->broken, EXIT_BROKEN);
        return G_SOURCE_REMOVE;
}

/* From inside the session, which therefore cannot be ended yet. */
static void on_broken(void *user, const char *detail) {
        Control *control = user;
        if (control->give_up_idle)
                return;
        g_free(control->broken);
        control->broken = g_strdup(detail);
        control->give_up_idle = g_idle_add(give_up, control);
}

static Session *new_session(Control *control, const StartRequest *in, const HouseFormat *format,
                            const HouseStyle *style, BlockQueue *take_queue, GError **error) {
        const SessionOptions options = {
                .channel_id = control->channel_id,
                .session_id = in->session_id,
                .epoch_utc_ms = in->epoch_utc_ms,
                .replay = control->replay_ms > EPOCH_OFFSET_MS,
                .format = *format,
                .style = style,
                .stream_endpoints = {control->endpoints[0], control->endpoints[1]},
                .evidence_endpoint = in->evidence_endpoint,
                .spool_dir = in->evidence_spool_dir,
                .boot = control->boot,
                .subscribers = control->subscribers,
                .clock = control->clock,
                .on_broken = on_broken,
                .user = control,
        };
        return session_new(&options, take_queue, error);
}

static Result may_start(const Control *control, char **ret_detail) {
        if (control->session) { /* INV-CONTROL-001 */
                *ret_detail = g_strdup_printf("session %s is on the air", session_id(control->session));
                return RESULT(ALREADY_ACTIVE);
        }
        if (!control->endpoints[0]) {
                *ret_detail = g_strdup("AttachStream comes first");
                return RESULT(STREAM_NOT_ATTACHED);
        }
        return RESULT(OK);
}

static RpcStatus try_start(void *user, const void *request, void *response) {
        Control *control = user;
        const StartRequest *in = request;
        StartResponse *out = response;
        HouseFormat format;
        g_autoptr(HouseStyle) style = NULL;
        const char *fault = malformed(control, in, &format, &style);
        if (fault)
                return rpc_status(RPC_CODE_INVALID_ARGUMENT, "%s", fault);
        g_autoptr(BlockQueue) queue = block_queue_new(control->channel_id, BLOCK_QUEUE_DEPTH);
        g_autofree char *detail = NULL;
        out->result = may_start(control, &detail);
        if (out->result == RESULT(OK))
                out->result = fill_queue(queue, in, &detail);
        if (out->result != RESULT(OK)) {
                out->detail = g_steal_pointer(&detail);
                return RPC_OK;
        }
        g_autoptr(GError) error = NULL;
        control->session = new_session(control, in, &format, style, g_steal_pointer(&queue), &error);
        if (!control->session)
                return rpc_status(RPC_CODE_INTERNAL, "%s", error->message);
        out->credits = (int32_t)session_credits(control->session);
        return RPC_OK;
}

/* Whoever reads this log need not have core's. */
static RpcStatus start_session(void *user, const void *request, void *response) {
        const RpcStatus status = try_start(user, request, response);
        const StartRequest *in = request;
        const StartResponse *out = response;
        const char *detail = status.code != RPC_CODE_OK ? status.message : out->detail;
        if (status.code != RPC_CODE_OK || out->result != RESULT(OK))
                rv_warning("control.start_refused", RV_S("session", in->session_id), RV_S("detail", detail));
        return status;
}

/* --- while it is on the air --- */

static bool is_on_air(const Control *control, const char *id) {
        return control->session && strcmp(session_id(control->session), id) == 0;
}

static char *not_on_air(const Control *control, const char *id) {
        return g_strdup_printf("session %s is not on the air; %s is", id,
                               control->session ? session_id(control->session) : "none");
}

static RpcStatus feed(void *user, const void *request, void *response) {
        Control *control = user;
        const Retrovue__Playout__V1__FeedBlockPlanRequest *in = request;
        Retrovue__Playout__V1__FeedBlockPlanResponse *out = response;
        if (!is_on_air(control, in->session_id)) {
                out->result = RESULT(NO_SESSION);
                out->detail = not_on_air(control, in->session_id);
                return RPC_OK;
        }
        g_autoptr(BlockPlan) block = in->block ? block_plan_from_message(in->block) : NULL;
        g_autofree char *detail = NULL;
        if (block)
                out->result = result_of(session_feed(control->session, block, &detail));
        else
                out->result = RESULT(INVALID_BLOCK);
        if (out->result != RESULT(OK)) {
                out->detail = detail ? g_steal_pointer(&detail) : g_strdup("the block is missing or cannot be read");
                rv_warning("control.feed_refused", RV_S("session", in->session_id), RV_S("detail", out->detail));
        }
        out->credits = (int32_t)session_credits(control->session);
        return RPC_OK;
}

/* The stream is closed with the session: the next one attaches anew. */
static void end_session(Control *control, const char *reason, const char *detail) {
        if (!control->session)
                return;
        session_end(g_steal_pointer(&control->session), reason, detail);
        forget_endpoints(control);
}

static RpcStatus stop_session(void *user, const void *request, void *response) {
        Control *control = user;
        const Retrovue__Playout__V1__StopBlockPlanSessionRequest *in = request;
        Retrovue__Playout__V1__StopBlockPlanSessionResponse *out = response;
        if (!is_on_air(control, in->session_id)) {
                out->result = RESULT(NO_SESSION);
                out->detail = not_on_air(control, in->session_id);
                return RPC_OK;
        }
        end_session(control, "stop_requested", in->reason);
        out->result = RESULT(OK);
        return RPC_OK;
}

static RpcStatus subscribe(void *user, RpcCall *call, const void *request) {
        Control *control = user;
        return subscribers_serve(control->subscribers, call);
}

static const RpcMethod METHODS[] = {
        {.name = "GetVersion", .unary = get_version},
        {.name = "AttachStream", .unary = attach_stream},
        {.name = "DetachStream", .unary = detach_stream},
        {.name = "StartBlockPlanSession", .unary = start_session},
        {.name = "FeedBlockPlan", .unary = feed},
        {.name = "StopBlockPlanSession", .unary = stop_session},
        {.name = "SubscribeBlockEvents", .stream = subscribe},
};

/* --- is core still there? --- */

static bool is_alone(const Control *control) {
        return rpc_server_connections(control->server) == 0 &&
               !(control->session && session_has_reader(control->session));
}

static gboolean look_for_core(gpointer user) {
        Control *control = user;
        const int64_t now_ns = rv_clock_mono_ns(control->clock);
        if (!is_alone(control))
                control->alone_since_ns = 0;
        else if (control->alone_since_ns == 0)
                control->alone_since_ns = now_ns;
        else if (now_ns - control->alone_since_ns >= control->orphan_ms * INT64_C(1000000)) /* INV-CONTROL-004 */
                control_quit(control, "core_lost", "no control connection and no stream reader", 0);
        return G_SOURCE_CONTINUE;
}

/* --- life --- */

static bool serve(Control *control, const ControlOptions *options, GError **error) {
        control->server = rpc_server_new(NULL, (RpcOptions){.max_message_bytes = 4 << 20});
        rpc_server_add(control->server, &retrovue__playout__v1__playout_control__descriptor, METHODS,
                       G_N_ELEMENTS(METHODS), control);
        const bool listens = options->listen_fd >= 0
                                     ? rpc_server_adopt_listener(control->server, options->listen_fd, error)
                                     : rpc_server_listen(control->server, options->listen_path, error);
        return listens && rpc_server_start(control->server, error);
}

Control *control_new(const ControlOptions *options, GError **error) {
        Control *control = g_new0(Control, 1);
        control->channel_id = g_strdup(options->channel_id);
        control->version = g_strdup(options->version);
        control->clock = options->clock;
        control->orphan_ms = options->orphan_ms > 0 ? options->orphan_ms : DEFAULT_ORPHAN_MS;
        control->replay_ms = options->replay_ms > 0 ? options->replay_ms : EPOCH_OFFSET_MS;
        control->on_quit = options->on_quit;
        control->user = options->user;
        control->subscribers = subscribers_new(options->channel_id);
        control->boot = boot_new(error);
        if (!control->boot || !serve(control, options, error)) {
                control_free(control);
                return NULL;
        }
        control->orphan_timer = g_timeout_add((guint)CLAMP(control->orphan_ms / 20, 10, 500), look_for_core, control);
        return control;
}

void control_quit(Control *control, const char *reason, const char *detail, int exit_status) {
        if (control->quitting)
                return;
        control->quitting = true;
        rv_info("control.quit", RV_S("reason", reason), RV_S("detail", detail));
        control->on_quit(control->user, exit_status);
        end_session(control, reason, detail);
}

void control_free(Control *control) {
        if (!control)
                return;
        if (control->orphan_timer)
                g_source_remove(control->orphan_timer);
        if (control->give_up_idle)
                g_source_remove(control->give_up_idle);
        end_session(control, "stop_requested", "the engine ends");
        subscribers_close(control->subscribers);
        rpc_server_free(control->server, GRACE_MS);
        subscribers_free(control->subscribers);
        boot_free(control->boot);
        forget_endpoints(control);
        g_free(control->channel_id);
        g_free(control->version);
        g_free(control->broken);
        g_free(control);
}
