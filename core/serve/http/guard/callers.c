/* How much one address may ask for: a bucket of requests that fills at a rate, and a number of connections. */
#include "core/serve/http/guard/callers.h"

#include <string.h>

#include "proto/base/log.h"
#include "proto/failure/failure.h"

/* A bucket holds what fills it in so many seconds: pages and players begin with many requests at once. */
#define BURST_S 10
/* A caller has its place in one set of the table, in that of who has been silent longest: memory is what it is, whoever
 * asks. */
#define SETS 1024U
#define WAYS 8U
#define TOLD_EACH_MS 10000

typedef struct {
        uint8_t address[PEER_ADDRESS_BYTES];
        int64_t seen_mono_ns;      /* 0: nobody */
        int64_t level[CALL_KINDS]; /* requests by 1e9 */
} Caller;

struct Callers {
        CallerLimits limits;
        RvClock *clock;
        uint64_t seed;        /* nobody outside knows who shares a set with whom */
        pthread_mutex_t lock; /* guards everything below */
        Caller table[SETS][WAYS];
        GHashTable *connections; /* address as GBytes -> how many, those that there are */
        int64_t n_requests_refused, n_connections_refused, told_mono_ns;
};

/* One home has one IPv4 address, and as many IPv6 addresses as it likes in its network of 64 bits. */
static void home_of(const uint8_t address[PEER_ADDRESS_BYTES], uint8_t ret_home[PEER_ADDRESS_BYTES]) {
        static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};
        memcpy(ret_home, address, PEER_ADDRESS_BYTES);
        if (memcmp(address, v4_mapped, sizeof v4_mapped) != 0)
                memset(ret_home + PEER_ADDRESS_BYTES / 2, 0, PEER_ADDRESS_BYTES / 2);
}

static uint64_t mix(uint64_t x) {
        x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
        x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
        return x ^ (x >> 33);
}

/* --- requests: with the lock held -------------------------------------------------------------------------------- */

static Caller *find_caller(Callers *callers, const uint8_t home[PEER_ADDRESS_BYTES], int64_t now_mono_ns) {
        uint64_t halves[2];
        memcpy(halves, home, sizeof halves);
        Caller *set = callers->table[mix(mix(halves[0] ^ callers->seed) ^ halves[1]) % SETS], *oldest = set;
        for (Caller *caller = set; caller < set + WAYS; caller++) {
                if (caller->seen_mono_ns != 0 && memcmp(caller->address, home, PEER_ADDRESS_BYTES) == 0)
                        return caller;
                if (caller->seen_mono_ns < oldest->seen_mono_ns)
                        oldest = caller;
        }
        memcpy(oldest->address, home, PEER_ADDRESS_BYTES);
        oldest->seen_mono_ns = now_mono_ns;
        for (unsigned kind = 0; kind < CALL_KINDS; kind++)
                oldest->level[kind] = callers->limits.per_s[kind] * BURST_S * INT64_C(1000000000);
        return oldest;
}

static void fill(const Callers *callers, Caller *caller, int64_t now_mono_ns) {
        const int64_t passed_ns = CLAMP(now_mono_ns - caller->seen_mono_ns, 0, BURST_S * INT64_C(1000000000));
        for (unsigned kind = 0; kind < CALL_KINDS; kind++) {
                const int64_t full = callers->limits.per_s[kind] * BURST_S * INT64_C(1000000000);
                caller->level[kind] = MIN(full, caller->level[kind] + passed_ns * callers->limits.per_s[kind]);
        }
        caller->seen_mono_ns = now_mono_ns;
}

/* INV-HTTP-014 */
bool callers_take(Callers *callers, const uint8_t address[PEER_ADDRESS_BYTES], CallKind kind) {
        uint8_t home[PEER_ADDRESS_BYTES];
        if (callers->limits.per_s[kind] == 0)
                return true;
        home_of(address, home);
        pthread_mutex_lock(&callers->lock);
        const int64_t now_mono_ns = rv_clock_mono_ns(callers->clock);
        Caller *caller = find_caller(callers, home, now_mono_ns);
        fill(callers, caller, now_mono_ns);
        const bool may = caller->level[kind] >= INT64_C(1000000000);
        if (may)
                caller->level[kind] -= INT64_C(1000000000);
        else
                callers->n_requests_refused++;
        pthread_mutex_unlock(&callers->lock);
        return may;
}

bool callers_may_ask(Request *request, const char *path, enum MHD_Result *ret_result) {
        const Peer peer = request_peer(request);
        const CallKind kind = g_str_has_prefix(path, "/api/") ? CALL_API : CALL_MEDIA;
        if (peer.is_local || peer.is_proxy || callers_take(request->http->callers, peer.address, kind))
                return true;
        *ret_result = respond_error(request, MHD_HTTP_TOO_MANY_REQUESTS, "too_many_requests", 1,
                                    "more than %d requests a second come from your address",
                                    request->http->callers->limits.per_s[kind]);
        return false;
}

/* --- connections ------------------------------------------------------------------------------------------------- */

static GBytes *home_key(const uint8_t address[PEER_ADDRESS_BYTES]) {
        uint8_t home[PEER_ADDRESS_BYTES];
        home_of(address, home);
        return g_bytes_new(home, sizeof home);
}

static int count(Callers *callers, GBytes *key) {
        return GPOINTER_TO_INT(g_hash_table_lookup(callers->connections, key));
}

bool callers_may_connect(Callers *callers, const uint8_t address[PEER_ADDRESS_BYTES]) {
        g_autoptr(GBytes) key = home_key(address);
        pthread_mutex_lock(&callers->lock);
        const bool may = callers->limits.connections == 0 || count(callers, key) < callers->limits.connections;
        callers->n_connections_refused += !may;
        pthread_mutex_unlock(&callers->lock);
        if (!may)
                (void)failure_note("http.too_many_connections", NULL);
        return may;
}

void callers_note_connection(Callers *callers, const uint8_t address[PEER_ADDRESS_BYTES], int change) {
        GBytes *key = home_key(address);
        pthread_mutex_lock(&callers->lock);
        const int n = count(callers, key) + change;
        g_assert(n >= 0);
        if (n > 0)
                g_hash_table_replace(callers->connections, g_bytes_ref(key), GINT_TO_POINTER(n));
        else
                (void)g_hash_table_remove(callers->connections, key);
        pthread_mutex_unlock(&callers->lock);
        g_bytes_unref(key);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

void callers_tell(Callers *callers) {
        pthread_mutex_lock(&callers->lock);
        const int64_t now_mono_ns = rv_clock_mono_ns(callers->clock);
        const int64_t n_requests = callers->n_requests_refused, n_connections = callers->n_connections_refused;
        const bool tell = n_requests + n_connections > 0 &&
                          now_mono_ns - callers->told_mono_ns >= TOLD_EACH_MS * INT64_C(1000000);
        if (tell) {
                callers->n_requests_refused = callers->n_connections_refused = 0;
                callers->told_mono_ns = now_mono_ns;
        }
        pthread_mutex_unlock(&callers->lock);
        if (tell)
                rv_info("http.callers_refused", RV_I("requests", n_requests), RV_I("connections", n_connections));
}

Callers *callers_new(RvClock *clock, const CallerLimits *limits) {
        Callers *callers = g_new0(Callers, 1);
        callers->limits = *limits;
        callers->clock = clock;
        callers->seed = (uint64_t)g_random_int() << 32 | g_random_int();
        callers->connections = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
        pthread_mutex_init(&callers->lock, NULL);
        return callers;
}

void callers_free(Callers *callers) {
        if (!callers)
                return;
        g_hash_table_unref(callers->connections);
        pthread_mutex_destroy(&callers->lock);
        g_free(callers);
}
