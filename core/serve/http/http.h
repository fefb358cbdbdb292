/*
 * HTTP: the one front door (RFC 9110/9112), on libmicrohttpd's own epoll threads. Workers read immutable snapshots and
 * published streams; what changes state becomes a message to the control loop. Nothing here blocks: a viewer who must
 * wait (cold start) is suspended and resumed.
 *
 *   GET /                                the page                     GET /channels.m3u  /guide.xml
 *   GET /channel/<id>/master.m3u8        master playlist, names live-<beginning>.m3u8 (INV-HLS-004)
 *   GET /channel/<id>/live.m3u8          the newest media playlist
 *   GET /channel/<id>/seg/<name>.ts      segment                      GET /channel/<id>.ts   raw stream
 *   GET /channel/<id>/part/<name>.ts     part of one (low latency)
 *   GET /auto/v<number>                  raw stream                   GET /logo/<id>.png
 *   GET /api/v1/channels  /api/v1/guide  /api/v1/channels/<id>/asrun  /api/v1/alerts
 *   GET /api/v1/failures  /api/v1/catalog/progress  /api/v1/events  /api/v1/channels/<id>/reconciliation
 *   GET /healthz  /readyz
 *   GET /discover.json  /lineup.json  /lineup_status.json  /device.xml   POST /lineup.post     an HDHomeRun's
 *   GET, POST /api/v1/channels/<id>/overrides   DELETE /api/v1/channels/<id>/overrides/<number>   POST /api/v1/rescan
 *
 * HEAD wherever GET is, OPTIONS everywhere. What changes something is for who may (INV-HTTP-013). Errors are
 * {"error": {"code", "message"}}.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/play/channel/channel.h"
#include "core/record/asrun/asrun.h"
#include "core/serve/fanout/fanout.h"
#include "core/serve/guide/guide.h"
#include "core/serve/hls/hls.h"

/* --- what hangs on every channel (channel_streams) ---------------------------------------------------------------- */

/* One channel's HLS and raw stream. */
typedef struct HttpStreams HttpStreams;
/* The streams of all channels and the viewers that wait for them to begin or go on. */
typedef struct HttpStreamsSet HttpStreamsSet;

typedef struct {
        int64_t segment_ms; /* HLS target */
        unsigned window;    /* segments in the playlist; 0 = 12 */
        Shelf *shelf;       /* outlives the set; NULL: segments are in memory alone */
        RvClock *clock;
        PlanBoard *board; /* says which channels are told in parts (Low-Latency HLS); NULL: none */
        /* The first media and discontinuity sequence of this run; control loop. */
        void (*sequences)(void *user, const char *channel_id, int64_t *ret_first_sequence,
                          int64_t *ret_first_discontinuity);
        /* After each segment: the numbers of the next one; intake threads. */
        void (*on_sequence)(void *user, const char *channel_id, int64_t next_sequence, int64_t discontinuity);
        void *user;
        bool wait_for_viewers; /* raw streams do (docs/decisions/014) */
} HttpStreamsOptions;

HttpStreamsSet *http_streams_set_new(const HttpStreamsOptions *options);
/* After the hub and Http that use it. NULL is allowed. */
void http_streams_set_free(HttpStreamsSet *set);
/* For ChannelHubOptions.streams. */
ChannelStreamsOps http_streams_ops(HttpStreamsSet *set);

/* --- the server -------------------------------------------------------------------------------------------------- */

typedef struct Http Http;

/* The network tuner that programs for HDHomeRun devices see. */
typedef struct {
        const char *name, *model;
        uint32_t device_id; /* of http_tuner_id; the same for ever, or clients take us for another device */
        int count;          /* channels that may be on the air at once */
} HttpTuner;

/* A device id made of any number: its last digit is the check that clients make (libhdhomerun). */
uint32_t http_tuner_id(uint32_t number);

/* A change of the plan that is asked for. */
typedef struct {
        const char *channel_id;
        const char *kind;  /* as asked; NULL = not said */
        const char *asset; /* its id, path or alias; NULL = not said */
        int64_t at_utc_ms;
} HttpOverride;

typedef struct {
        const char *listen_address;
        int port;                   /* 0 = any */
        const char *public_url;     /* NULL = from the request (Host, X-Forwarded-Proto, X-Forwarded-Host) */
        const char *web_dir;        /* index.html and its assets */
        int max_connections;        /* 4000 */
        int max_per_ip;             /* connections of one address (IPv6: network of 64 bits); 0 = no limit */
        int api_rate, media_rate;   /* likewise requests a second below /api/ and of all else; 0 = no limit */
        const char *tokens_file;    /* who may change something (INV-HTTP-013); NULL = programs on this machine */
        const char *const *proxies; /* whose X-Forwarded-For is believed besides this machine's: "10.0.0.0/8" */
        int start_timeout_ms;       /* how long a viewer waits for the first picture: 10000 */
        HttpStreamsSet *streams;    /* as given to the hub */
        ChannelHub *hub;
        Guide *guide;
        PlanBoard *board;
        RvClock *clock;
        HttpTuner tuner;
        /* JSON made elsewhere, any thread; new references; NULL = 404 / 503. */
        /* RV_ERROR_INVALID: what the query asks for there is not. */
        json_t *(*asrun)(void *user, const AsRunQuery *query, char **ret_next, GError **error);
        json_t *(*progress)(void *user); /* of the catalog scan */
        /* Of a broadcast day (NULL: the day that is now) or, when that is not NULL, of a session. */
        json_t *(*reconciliation)(void *user, const char *channel_id, const char *day, const char *session_id);
        json_t *(*alerts)(void *user); /* faults an operator should see */
        /* What changes something; NULL = 503. RV_ERROR_INVALID: a wish that makes no sense; RV_ERROR_NOT_FOUND: there
         * is no such override. */
        json_t *(*overrides)(void *user, const char *channel_id, GError **error); /* all of the channel, by number */
        json_t *(*override_ask)(void *user, const HttpOverride *wish, GError **error); /* as recorded */
        bool (*override_cancel)(void *user, const char *channel_id, int64_t id, GError **error);
        void (*rescan)(void *user); /* library and channel files are looked at anew */
        void *user;
} HttpOptions;

/* RV_ERROR_IO with the address, the port and what to do when it cannot listen. */
Http *http_new(const HttpOptions *options, GError **error);
int http_port(const Http *http);
/* Ends every connection (bounded), frees. */
void http_free(Http *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Http, http_free)
