/* Who asks: the peer of the connection, or whom a proxy that is trusted names in X-Forwarded-For. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "core/serve/http/http_private.h"
#include "proto/base/error.h"

#define IPV4_MAPPED_BITS 96
#define MAX_ADDRESS_TEXT 64

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

/* --- addresses --------------------------------------------------------------------------------------------------- */

static bool parse_address(const char *text, uint8_t ret_address[PEER_ADDRESS_BYTES], int *ret_bits_before) {
        uint8_t address[PEER_ADDRESS_BYTES];
        if (inet_pton(AF_INET6, text, address) == 1) {
                *ret_bits_before = 0;
        } else if (inet_pton(AF_INET, text, address + sizeof v4_mapped) == 1) {
                memcpy(address, v4_mapped, sizeof v4_mapped);
                *ret_bits_before = IPV4_MAPPED_BITS;
        } else {
                return false;
        }
        memcpy(ret_address, address, sizeof address);
        return true;
}

/* Equal in the first so many bits. */
static bool bits_equal(const uint8_t *a, const uint8_t *b, int bits) {
        const int whole = bits / 8, rest = bits % 8;
        if (memcmp(a, b, (size_t)whole) != 0)
                return false;
        return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool is_loopback(const uint8_t *address) {
        if (bits_equal(address, v4_mapped, IPV4_MAPPED_BITS))
                return address[sizeof v4_mapped] == IN_LOOPBACKNET;
        return memcmp(address, &in6addr_loopback, PEER_ADDRESS_BYTES) == 0;
}

void peer_address_text(const Peer *peer, char ret_text[INET6_ADDRSTRLEN]) {
        if (!peer->is_known)
                g_strlcpy(ret_text, "?", INET6_ADDRSTRLEN);
        else if (bits_equal(peer->address, v4_mapped, IPV4_MAPPED_BITS))
                (void)inet_ntop(AF_INET, peer->address + sizeof v4_mapped, ret_text, INET6_ADDRSTRLEN);
        else
                (void)inet_ntop(AF_INET6, peer->address, ret_text, INET6_ADDRSTRLEN);
}

bool peer_of_socket(const struct sockaddr *from, uint8_t ret_address[PEER_ADDRESS_BYTES]) {
        if (from->sa_family == AF_INET6) {
                const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;
                memcpy(ret_address, &v6->sin6_addr, PEER_ADDRESS_BYTES);
        } else if (from->sa_family == AF_INET) {
                const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
                memcpy(ret_address, v4_mapped, sizeof v4_mapped);
                memcpy(ret_address + sizeof v4_mapped, &v4->sin_addr, sizeof v4->sin_addr);
        } else {
                return false;
        }
        return true;
}

/* --- proxies ----------------------------------------------------------------------------------------------------- */

/* "10.0.0.7", "172.18.0.0/16", "fd00::/8" */
static bool parse_proxy(const char *text, ProxyRange *ret_range) {
        g_auto(GStrv) parts = g_strsplit(text, "/", 2);
        int before;
        guint64 bits;
        if (!parts[0] || !parse_address(parts[0], ret_range->address, &before))
                return false;
        bits = (guint64)(PEER_ADDRESS_BYTES * 8 - before);
        if (parts[1] && !g_ascii_string_to_unsigned(parts[1], 10, 0, bits, &bits, NULL))
                return false;
        ret_range->bits = before + (int)bits;
        return true;
}

GArray *proxies_new(const char *const *texts, GError **error) {
        GArray *proxies = g_array_new(FALSE, FALSE, sizeof(ProxyRange));
        for (size_t i = 0; texts && texts[i]; i++) {
                ProxyRange range;
                if (!parse_proxy(texts[i], &range)) {
                        g_set_error(error, RV_ERROR, RV_ERROR_INVALID,
                                    "trusted_proxies: \"%s\" is no address or network (as 172.18.0.0/16)", texts[i]);
                        g_array_unref(proxies);
                        return NULL;
                }
                g_array_append_val(proxies, range);
        }
        return proxies;
}

bool proxies_trust(const GArray *proxies, const uint8_t address[PEER_ADDRESS_BYTES]) {
        if (is_loopback(address))
                return true;
        for (guint i = 0; i < proxies->len; i++) {
                const ProxyRange *range = &g_array_index(proxies, ProxyRange, i);
                if (bits_equal(address, range->address, range->bits))
                        return true;
        }
        return false;
}

/* --- what proxies say -------------------------------------------------------------------------------------------- */

/* Of one element of X-Forwarded-For, which may have brackets and a port. */
static bool parse_forwarded(const char *element, uint8_t ret_address[PEER_ADDRESS_BYTES]) {
        char text[MAX_ADDRESS_TEXT];
        int before;
        element += strspn(element, " \t[");
        g_strlcpy(text, element, sizeof text);
        text[strcspn(text, "] \t")] = 0;
        char *colon = strchr(text, ':');
        if (colon && strchr(text, '.') && !strchr(colon + 1, ':')) /* 192.0.2.1:4711 */
                *colon = 0;
        return parse_address(text, ret_address, &before);
}

static enum MHD_Result append_forwarded(void *user, enum MHD_ValueKind kind, const char *name, const char *value) {
        if (value && g_ascii_strcasecmp(name, "X-Forwarded-For") == 0)
                g_string_append_printf(user, "%s%s", ((GString *)user)->len > 0 ? "," : "", value);
        return MHD_YES;
}

/* INV-HTTP-013: the last of those named whom no proxy of ours could be: what stands before them the client may have
 * written itself.
 */
static void read_forwarded(Request *request, const char *list, Peer *peer) {
        g_auto(GStrv) elements = g_strsplit(list, ",", 0);
        peer->is_known = false;
        for (guint i = g_strv_length(elements); i-- > 0;) {
                peer->is_known = parse_forwarded(elements[i], peer->address);
                if (!peer->is_known || !proxies_trust(request->http->proxies, peer->address))
                        return;
        }
}

static bool came_by_proxy(Request *request) {
        static const char *const traces[] = {"Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto"};
        for (size_t i = 0; i < G_N_ELEMENTS(traces); i++)
                if (request_header(request, traces[i]))
                        return true;
        return false;
}

Peer request_peer(Request *request) {
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        Peer peer = {.is_known = false};
        if (!info || !peer_of_socket(info->client_addr, peer.address))
                return peer;
        peer.is_known = true;
        if (!proxies_trust(request->http->proxies, peer.address))
                return peer;
        g_autoptr(GString) forwarded = g_string_new(NULL);
        (void)MHD_get_connection_values(request->connection, MHD_HEADER_KIND, append_forwarded, forwarded);
        if (request_header(request, "X-Forwarded-For"))
                read_forwarded(request, forwarded->str, &peer);
        else
                peer.is_proxy = !is_loopback(peer.address) || came_by_proxy(request);
        peer.is_local = peer.is_known && !peer.is_proxy && is_loopback(peer.address);
        return peer;
}
