/* The streams that hang on channels, and the requests that sleep until one of them begins or goes on. */
#include <string.h>

#include "core/serve/http/http_private.h"

#define DEFAULT_WINDOW 12

struct HttpStreamsSet {
        HttpStreamsOptions options;
        pthread_mutex_t lock; /* guards sleeping, ending and Request.wait */
        GQueue sleeping;
        bool ending; /* nobody is put to sleep any more */
};

/* --- sleep and wake ---------------------------------------------------------------------------------------------- */

bool request_sleep(Request *request, bool for_playlist, int64_t give_up_mono_ns) {
        HttpStreamsSet *set = request->http->options.streams;
        pthread_mutex_lock(&set->lock);
        g_assert(!request->wait.suspended);
        bool sleeps = !set->ending;
        if (sleeps) {
                request->wait.suspended = true;
                request->wait.for_playlist = for_playlist;
                request->wait.give_up_mono_ns = give_up_mono_ns;
                request->wait.given_up = false;
                request->wait.link.data = request;
                g_queue_push_tail_link(&set->sleeping, &request->wait.link);
                MHD_suspend_connection(request->connection);
        }
        pthread_mutex_unlock(&set->lock);
        return sleeps;
}

/* With the lock held. */
static void resume(HttpStreamsSet *set, Request *request, bool given_up) {
        request->wait.suspended = false;
        request->wait.given_up = given_up;
        g_queue_unlink(&set->sleeping, &request->wait.link);
        MHD_resume_connection(request->connection);
}

void request_wake(Request *request) {
        HttpStreamsSet *set = request->http->options.streams;
        pthread_mutex_lock(&set->lock);
        if (request->wait.suspended)
                resume(set, request, false);
        pthread_mutex_unlock(&set->lock);
}

bool request_given_up(Request *request) {
        HttpStreamsSet *set = request->http->options.streams;
        pthread_mutex_lock(&set->lock);
        bool given_up = request->wait.given_up;
        request->wait.given_up = false;
        pthread_mutex_unlock(&set->lock);
        return given_up;
}

static void give_up(HttpStreamsSet *set, int64_t now_mono_ns, bool all) {
        for (GList *l = set->sleeping.head, *next; l; l = next) {
                Request *request = l->data;
                next = l->next;
                if (all || request->wait.give_up_mono_ns <= now_mono_ns)
                        resume(set, request, true);
        }
}

void http_streams_give_up(HttpStreamsSet *set, int64_t now_mono_ns) {
        pthread_mutex_lock(&set->lock);
        give_up(set, now_mono_ns, false);
        pthread_mutex_unlock(&set->lock);
}

/* INV-HTTP-007 */
void http_streams_end(HttpStreamsSet *set) {
        pthread_mutex_lock(&set->lock);
        set->ending = true;
        give_up(set, 0, true);
        pthread_mutex_unlock(&set->lock);
}

int64_t http_streams_segment_ms(const HttpStreamsSet *set) {
        return set->options.segment_ms;
}

static void on_published(void *user) {
        HttpStreams *streams = user;
        HttpStreamsSet *set = streams->set;
        pthread_mutex_lock(&set->lock);
        for (GList *l = set->sleeping.head, *next; l; l = next) {
                Request *request = l->data;
                next = l->next;
                if (request->wait.for_playlist && request->streams == streams)
                        resume(set, request, false);
        }
        pthread_mutex_unlock(&set->lock);
}

/* --- ChannelStreamsOps ------------------------------------------------------------------------------------------- */

static void on_sequence(void *user, int64_t next_sequence, int64_t discontinuity) {
        HttpStreams *streams = user;
        const HttpStreamsOptions *options = &streams->set->options;
        if (options->on_sequence)
                options->on_sequence(options->user, streams->channel_id, next_sequence, discontinuity);
}

static void *streams_new(void *user, const char *channel_id) {
        HttpStreamsSet *set = user;
        HttpStreams *streams = g_new0(HttpStreams, 1);
        HlsOptions options = {
                .segment_ms = set->options.segment_ms,
                .window = set->options.window ? set->options.window : DEFAULT_WINDOW,
                .on_sequence = on_sequence,
                .on_published = on_published,
                .user = streams,
                .shelf = set->options.shelf,
        };
        if (set->options.sequences)
                set->options.sequences(set->options.user, channel_id, &options.first_sequence,
                                       &options.first_discontinuity);
        streams->set = set;
        streams->channel_id = g_strdup(channel_id);
        g_autofree char *folder = g_build_filename("channel", channel_id, "seg", NULL);
        g_autofree char *second = g_build_filename("channel", channel_id, "second", "seg", NULL);
        options.shelf_folder = folder;
        streams->hls = hls_new(&options);
        options.on_sequence = NULL; /* its numbers are those of the first */
        options.shelf_folder = second;
        streams->second = hls_new(&options);
        streams->fanout = fanout_new(0);
        if (set->options.wait_for_viewers)
                fanout_wait_for_viewers(streams->fanout);
        return streams;
}

static int64_t part_ms_of(const HttpStreams *streams) {
        PlanBoard *board = streams->set->options.board;
        g_autoptr(PlanView) view = board ? plan_board_view(board, streams->channel_id) : NULL;
        return view ? view->spec->hls_part_ms : 0;
}

static void streams_begin(void *user, const char *session_id, int64_t epoch_utc_ms, RvRational rate) {
        HttpStreams *streams = user;
        const int64_t part_ms = part_ms_of(streams);
        hls_use_parts(streams->hls, part_ms);
        hls_use_parts(streams->second, part_ms);
        hls_begin_session(streams->hls, session_id, epoch_utc_ms, rate);
        hls_begin_session(streams->second, session_id, epoch_utc_ms, rate);
        hls_align(streams->hls, streams->second);
}

static unsigned streams_sinks(void *user, IntakeSink ret_sinks[4]) {
        HttpStreams *streams = user;
        ret_sinks[0] = hls_sink(streams->hls);
        ret_sinks[1] = fanout_sink(streams->fanout);
        return 2;
}

static unsigned streams_second_sinks(void *user, IntakeSink ret_sinks[4]) {
        HttpStreams *streams = user;
        ret_sinks[0] = hls_sink(streams->second);
        return 1;
}

static void streams_rest(void *user) {
        HttpStreams *streams = user;
        hls_rest(streams->hls);
        hls_rest(streams->second);
        fanout_rest(streams->fanout);
}

static void streams_free(void *user) {
        HttpStreams *streams = user;
        hls_unref(streams->hls);
        hls_unref(streams->second);
        fanout_unref(streams->fanout);
        g_free(streams->channel_id);
        g_free(streams);
}

ChannelStreamsOps http_streams_ops(HttpStreamsSet *set) {
        return (ChannelStreamsOps){.new = streams_new,
                                   .begin = streams_begin,
                                   .sinks = streams_sinks,
                                   .second_sinks = streams_second_sinks,
                                   .rest = streams_rest,
                                   .free = streams_free,
                                   .user = set};
}

HttpStreamsSet *http_streams_set_new(const HttpStreamsOptions *options) {
        HttpStreamsSet *set = g_new0(HttpStreamsSet, 1);
        set->options = *options;
        pthread_mutex_init(&set->lock, NULL);
        g_queue_init(&set->sleeping);
        return set;
}

void http_streams_set_free(HttpStreamsSet *set) {
        if (!set)
                return;
        g_assert(g_queue_is_empty(&set->sleeping));
        pthread_mutex_destroy(&set->lock);
        g_free(set);
}
