/* What http.c (server and routes), streams.c (waiting for a channel), live.c (playlist, segments, raw stream),
 * reload.c (parts, and playlists that are waited for), respond.c (answers), files.c (the page) and logo.c share with
 * the parts: api/ (api.c: JSON; events.c: changes; tuner.c: HDHomeRun; verbs.c: what changes something) and guard/
 * (pace.c: slow clients; peer.c: who asks; admin.c: who may change something; callers.c: how much one
 * address may ask). */
#pragma once

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>

#include "core/base/tokens.h"
#include "core/serve/http/http.h"

#define HTTP_IDLE_TIMEOUT_S 30U

typedef struct Request Request;
typedef struct Pace Pace;
typedef struct Callers Callers;
typedef struct Events Events;
typedef struct Listening Listening;

/* Answers by queueing a response, or suspends the request: then it is called again when woken. */
typedef enum MHD_Result (*RequestHandler)(Request *request);

struct Http {
        HttpOptions options;
        struct MHD_Daemon *daemon;
        int port;
        GSource *timer;    /* control loop: gives up waiting requests */
        GHashTable *files; /* path -> File, immutable */
        Pace *pace;
        Events *events;
        GArray *proxies; /* ProxyRange, immutable */
        Tokens *tokens;  /* NULL: none are set up */
        Callers *callers;

        pthread_mutex_t packed_lock; /* guards packed */
        GHashTable *packed;          /* entity tag -> GBytes, compressed */
};

/* One request, from its first header to its completion; its MHD worker's, but for `wait`. */
struct Request {
        Http *http;
        struct MHD_Connection *connection;
        const char *path;       /* decoded; lives for the call of the handler only */
        RequestHandler handler; /* NULL until routed */
        char *argument;         /* what the route took from the path: a channel id */
        char *rest;             /* and what followed it: a segment's name */
        bool head;
        bool second;             /* of the second rendition */
        bool tuner;              /* came by an address of the HDHomeRun */
        const char *tuner_error; /* literal; the answer says it as the device does, too */
        const char *challenge;   /* literal; of an answer 401 */

        Channel *channel;
        HttpStreams *streams;    /* borrowed from channel */
        ChannelViewer *presence; /* counted as a viewer: raw, or waiting for a playlist */
        FanoutViewer *raw;
        int64_t patience_mono_ns; /* until when it waits for what is to come of a playlist; 0: it has not waited */
        Listening *listening;     /* to events */

        struct {
                /* Guarded by the set's lock. */
                bool suspended;
                bool for_playlist; /* woken when the channel publishes */
                bool given_up;     /* why it was woken */
                int64_t give_up_mono_ns;
                GList link;
        } wait;
};

/* --- streams.c --------------------------------------------------------------------------------------------------- */

struct HttpStreams {
        HttpStreamsSet *set;
        char *channel_id;
        Hls *hls;
        Hls *second; /* of the second rendition: nothing is in it when there is none */
        Fanout *fanout;
};

/* Puts the request's connection to sleep until request_wake or its time has come. The caller then checks once more
 * whether what it waits for has come (and wakes it itself), since it may have come in between. False: the server ends,
 * nobody sleeps. */
bool request_sleep(Request *request, bool for_playlist, int64_t give_up_mono_ns) G_GNUC_WARN_UNUSED_RESULT;
/* Any thread; nothing happens when it does not sleep. */
void request_wake(Request *request);
/* Whether its last sleep ended because its time had come; says so once. */
bool request_given_up(Request *request);
/* Gives up those whose time has come. */
void http_streams_give_up(HttpStreamsSet *set, int64_t now_mono_ns);
/* Gives up all, and nobody sleeps from then on. */
void http_streams_end(HttpStreamsSet *set);
/* The target length of a segment. */
int64_t http_streams_segment_ms(const HttpStreamsSet *set);

/* --- respond.c --------------------------------------------------------------------------------------------------- */

typedef struct {
        const char *type;          /* Content-Type */
        const char *cache_control; /* NULL = no-cache */
        const char *etag;          /* quoted; NULL = none */
        const char *policy;        /* Content-Security-Policy; NULL = none */
        bool is_text;              /* may be compressed */
} Representation;

/* 200, 206, 304 or 416, as the request's conditions ask; takes no reference of body's. */
enum MHD_Result respond_bytes(Request *request, GBytes *body, const Representation *representation);
/* The same with another status, without conditions and ranges. */
enum MHD_Result respond_bytes_as(Request *request, unsigned status, GBytes *body, const Representation *representation);
enum MHD_Result respond_json(Request *request, unsigned status, json_t *take_document);
/* To OPTIONS, a browser's question before it asks across origins. */
enum MHD_Result respond_preflight(Request *request);
/* 200 and a body without end, as read gives it. */
enum MHD_Result respond_stream(Request *request, const char *type, size_t block_bytes, MHD_ContentReaderCallback read);
/* {"error": {"code", "message"}}; retry_after_s 0 = none. */
enum MHD_Result respond_error(Request *request, unsigned status, const char *code, int retry_after_s,
                              const char *format, ...) G_GNUC_PRINTF(5, 6);
/* Headers that every answer has. */
void respond_common_headers(struct MHD_Response *response);
/* "http://host:port" as the client sees us; g_free it. */
char *request_base_url(Request *request);
/* Of it the path alone ("" or "/prefix"): for addresses that stay on the page's own origin; g_free it. */
char *request_base_path(Request *request);
const char *request_header(Request *request, const char *name);

/* --- guard/pace.c ------------------------------------------------------------------------------------------------ */

Pace *pace_new(RvClock *clock);
void pace_free(Pace *pace);
/* For MHD_OPTION_NOTIFY_CONNECTION. */
void pace_on_connection(void *user, struct MHD_Connection *connection, void **state,
                        enum MHD_ConnectionNotificationCode code);
/* Whether the connection's client is to send headers now; worker threads. */
void pace_expect(Pace *pace, struct MHD_Connection *connection, bool headers);
/* Shuts the connections whose headers have taken too long: how many. Any thread. */
unsigned pace_check(Pace *pace);

/* --- api/events.c ------------------------------------------------------------------------------------------------ */

Events *events_new(Http *http);
/* When nobody listens any more. */
void events_free(Events *events);
/* Tells who listens what has changed; every now and then, control loop. */
void events_look(Events *events);
/* Of a request that ends, whatever it was. */
void events_leave(Request *request);

/* --- guard/peer.c ------------------------------------------------------------------------------------------------ */

#define PEER_ADDRESS_BYTES 16

/* Who asks. */
typedef struct {
        uint8_t address[PEER_ADDRESS_BYTES]; /* IPv4 as ::ffff:a.b.c.d */
        bool is_known;                       /* else nothing is known of the address */
        bool is_local;                       /* a program on this machine, through no proxy that serves others */
        bool is_proxy;                       /* a proxy that does not say for whom */
} Peer;

/* Addresses that are equal in so many bits. */
typedef struct {
        uint8_t address[PEER_ADDRESS_BYTES];
        int bits;
} ProxyRange;

/* Of "ADDRESS" or "ADDRESS/BITS", NULL-terminated (NULL: none). RV_ERROR_INVALID names one that is neither. */
GArray *proxies_new(const char *const *texts, GError **error);
/* Loopback addresses and those of the ranges. */
bool proxies_trust(const GArray *proxies, const uint8_t address[PEER_ADDRESS_BYTES]);
/* False: neither IPv4 nor IPv6. */
bool peer_of_socket(const struct sockaddr *from, uint8_t ret_address[PEER_ADDRESS_BYTES]);
Peer request_peer(Request *request);
/* "?" when it is not known. */
void peer_address_text(const Peer *peer, char ret_text[INET6_ADDRSTRLEN]);

/* --- guard/admin.c ----------------------------------------------------------------------------------------------- */

/* Whether the request may change something; else it has been answered. */
bool admin_may(Request *request, enum MHD_Result *ret_result);

/* --- routes ------------------------------------------------------------------------------------------------------ */

enum MHD_Result live_playlist(Request *request);      /* argument: channel */
enum MHD_Result live_playlist_from(Request *request); /* rest: <beginning>.m3u8 */
enum MHD_Result live_master(Request *request);
enum MHD_Result live_segment(Request *request);         /* rest: name */
enum MHD_Result live_second_playlist(Request *request); /* as live_playlist_from */
enum MHD_Result live_second_segment(Request *request);
enum MHD_Result reload_part(Request *request); /* argument: channel, rest: name */
enum MHD_Result reload_second_part(Request *request);
enum MHD_Result live_raw(Request *request);
enum MHD_Result live_tuner(Request *request); /* argument: channel number */

/* "state", "viewers", "starts", "crashes", "fault" of a channel; NULL: one that there is not (any more). */
void api_add_status(json_t *object, Channel *channel);
const char *api_query_value(Request *request, const char *name);
/* UTC milliseconds, or ISO 8601 with a zone (UTC without one). */
bool api_parse_instant(const char *text, int64_t *ret_utc_ms);
enum MHD_Result api_bad_query(Request *request, const char *fault);
enum MHD_Result api_no_channel(Request *request, const char *id);
enum MHD_Result api_channels(Request *request);
enum MHD_Result api_events(Request *request);
enum MHD_Result api_guide(Request *request);
enum MHD_Result api_asrun(Request *request);
enum MHD_Result api_reconciliation(Request *request);
enum MHD_Result api_progress(Request *request);
enum MHD_Result api_alerts(Request *request);
enum MHD_Result api_failures(Request *request);
enum MHD_Result api_health(Request *request);
enum MHD_Result api_ready(Request *request);
enum MHD_Result documents_m3u(Request *request);
enum MHD_Result documents_xmltv(Request *request);

enum MHD_Result verbs_rescan(Request *request);
enum MHD_Result verbs_overrides(Request *request);
enum MHD_Result verbs_override_ask(Request *request);
enum MHD_Result verbs_override_cancel(Request *request); /* rest: its number */

enum MHD_Result tuner_discover(Request *request);
enum MHD_Result tuner_lineup(Request *request);
enum MHD_Result tuner_status(Request *request);
enum MHD_Result tuner_scan(Request *request);
enum MHD_Result tuner_device(Request *request);

enum MHD_Result logo_picture(Request *request); /* argument: channel */
/* A PNG with the number; new. */
GBytes *logo_draw(int32_t number);

/* What is below web_dir; NULL or missing: nothing. Free with g_hash_table_unref. */
GHashTable *files_load(const char *web_dir);
enum MHD_Result files_page(Request *request);
