#include <stdio.h>

#include "core/cli/cli.h"
#include "core/core.h"
#include "proto/base/error.h"
#include "proto/operations.pb-c.h"
#include "proto/rpc/rpc.h"

#define OPERATIONS (&retrovue__operations__v1__operations__descriptor)
#define SUBSCRIBED RETROVUE__OPERATIONS__V1__EVENT_KIND__EVENT_KIND_SUBSCRIBED

typedef Retrovue__Operations__V1__Event Event;

/* "block_started"; g_free it. */
static char *kind_name(const Event *event) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
                &retrovue__operations__v1__event_kind__descriptor, (int)event->kind);
        return value ? g_ascii_strdown(value->name + sizeof "EVENT_KIND", -1) : g_strdup("unknown");
}

static void print_json(const Event *event) {
        g_autofree char *kind = kind_name(event);
        json_t *document = json_loads(event->document, 0, NULL);
        json_t *line = json_pack("{s:I,s:s,s:s,s:s,s:I,s:s,s:I,s:o}", "sequence", (json_int_t)event->sequence, "kind",
                                 kind, "channel_id", event->channel_id, "session_id", event->session_id, "start_utc_ms",
                                 (json_int_t)event->start_utc_ms, "status", event->status, "end_utc_ms",
                                 (json_int_t)event->end_utc_ms, "evidence", document ? document : json_null());
        if (line)
                (void)json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
}

static void print_text(const Event *event) {
        g_autofree char *kind = kind_name(event);
        const int64_t at_utc_ms = event->end_utc_ms > 0 ? event->end_utc_ms : event->start_utc_ms;
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at_utc_ms / 1000);
        g_autofree char *at = utc ? g_date_time_format(utc, "%FT%TZ") : g_strdup("-");
        printf("%8" G_GINT64_FORMAT "  %-20s  %-16s  %-16s  %-11s  %s%s%s\n", event->sequence, at, event->channel_id,
               kind, event->status, event->title, *event->reason ? "  " : "", event->reason);
}

/* False: nobody reads any more. */
static bool print_event(const Event *event, const CliOptions *options) {
        if (event->kind == SUBSCRIBED)
                return true;
        if (options->json)
                print_json(event);
        else
                print_text(event);
        return fflush(stdout) == 0;
}

static RpcCall *subscribe(RpcClient *client, const CliOptions *options) {
        Retrovue__Operations__V1__SubscribeRequest request = RETROVUE__OPERATIONS__V1__SUBSCRIBE_REQUEST__INIT;
        request.channel_ids = options->arguments;
        request.n_channel_ids = options->arguments ? g_strv_length(options->arguments) : 0;
        request.after = options->after;
        return rpc_client_open(client, OPERATIONS, "Subscribe", &request);
}

/* Until the daemon or the reader of our output ends. */
static int follow(RpcClient *client, const CliOptions *options) {
        int64_t last = options->after;
        bool read = true;
        Event *event;
        RpcCall *call = subscribe(client, options);
        while (call && read && (event = rpc_read(call))) {
                last = event->kind == SUBSCRIBED ? (last < 0 ? event->newest_sequence : last) : event->sequence;
                read = print_event(event, options);
                rpc_message_free(event);
        }
        const RpcStatus status = call ? rpc_close(call) : rpc_status(RPC_CODE_UNAVAILABLE, "the daemon is gone");
        if (!read)
                return 0;
        if (last < 0 || status.code == RPC_CODE_OUT_OF_RANGE)
                return cli_fail("%s", status.message);
        return cli_fail("%s; `retrovue events --after %" G_GINT64_FORMAT "` goes on from here",
                        *status.message ? status.message : "the daemon has ended", last);
}

static int run_with(const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config = cli_config(options);
        if (!config)
                return 1;
        if (options->after < -1)
                return cli_misuse("--after takes a number from 0 on");
        g_autofree char *path = core_ops_socket(config, &error);
        if (!path)
                return cli_fail("%s", error->message);
        rpc_init();
        g_autoptr(RpcClient) client = rpc_client_connect(path, 0, (RpcOptions){0}, &error);
        if (!client)
                return cli_fail("no `retrovue serve` can be asked at %s: %s", path, error->message);
        return follow(client, options);
}

static int run(int argc, char **argv) {
        CliOptions options;
        int status =
                cli_options_parse(&options, CLI_WITH_JSON | CLI_WITH_ARGUMENTS | CLI_WITH_AFTER,
                                  "[CHANNEL...] - follow what happens to blocks",
                                  "Prints what happens on all channels, or those named, as it is recorded, each "
                                  "with its sequence;\n--after goes on where an earlier one ended. Needs a running "
                                  "`retrovue serve`.",
                                  argc, argv);
        if (status < 0)
                status = run_with(&options);
        cli_options_clear(&options);
        return status;
}

const CliCommand cli_events = {"events", "follow what happens to blocks on all channels, or some", run};
