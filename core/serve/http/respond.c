/* Answers: conditions (RFC 9110, 13), ranges (14), compression, errors. */
#define ZLIB_CONST /* zlib then promises not to write to its input */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/serve/http/http_private.h"
#include "proto/failure/failure.h"

#define COMPRESS_MIN_BYTES 1024
/* What is smaller is compressed each time; what is larger is kept compressed, some of it. */
#define KEEP_MIN_BYTES (16 * 1024)
#define KEEP_MAX 64
/* RFC 9110, 8.8.3.3: another coding is another representation. */
#define PACKED_SUFFIX "-gz"

static const Representation json_kind = {.type = "application/json", .is_text = true};

const char *request_header(Request *request, const char *name) {
        return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static void add(struct MHD_Response *response, const char *name, const char *value) {
        if (value)
                (void)MHD_add_response_header(response, name, value);
}

void respond_common_headers(struct MHD_Response *response) {
        add(response, "Access-Control-Allow-Origin", "*");
        add(response, "Access-Control-Expose-Headers", "Content-Length, Content-Range, Date, ETag");
        add(response, "X-Content-Type-Options", "nosniff");
}

static enum MHD_Result queue(Request *request, unsigned status, struct MHD_Response *response) {
        enum MHD_Result result = MHD_queue_response(request->connection, status, response);
        MHD_destroy_response(response);
        return result;
}

static void unref_bytes(void *user) {
        g_bytes_unref(user);
}

/* A response of part of body, which it holds a reference of. */
static struct MHD_Response *response_of(GBytes *body, size_t offset, size_t size) {
        GBytes *part = g_bytes_new_from_bytes(body, offset, size);
        size_t n;
        /* MHD takes the buffer as void * but only reads it. */
        union {
                const void *in;
                void *out;
        } data = {.in = g_bytes_get_data(part, &n)};
        return MHD_create_response_from_buffer_with_free_callback_cls(n, data.out, unref_bytes, part);
}

static void representation_headers(struct MHD_Response *response, const Representation *representation) {
        respond_common_headers(response);
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE, representation->type);
        add(response, MHD_HTTP_HEADER_CACHE_CONTROL,
            representation->cache_control ? representation->cache_control : "no-cache");
        add(response, MHD_HTTP_HEADER_ETAG, representation->etag);
        add(response, "Content-Security-Policy", representation->policy);
        if (representation->is_text)
                add(response, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
}

/* --- ranges ------------------------------------------------------------------------------------------------------ */

typedef enum { RANGE_NONE, RANGE_PART, RANGE_IMPOSSIBLE } Range;

/* Digits at *at, which moves on; false when there are none or too many. */
static bool read_number(const char **at, uint64_t *ret_number) {
        char *end;
        if (!g_ascii_isdigit(**at))
                return false;
        errno = 0;
        *ret_number = g_ascii_strtoull(*at, &end, 10);
        *at = end;
        return errno == 0;
}

static Range read_suffix(const char *digits, size_t size, size_t *ret_first, size_t *ret_last) {
        uint64_t n;
        if (!read_number(&digits, &n) || *digits != 0)
                return RANGE_NONE;
        if (n == 0 || size == 0)
                return RANGE_IMPOSSIBLE;
        *ret_first = n >= size ? 0 : size - n;
        *ret_last = size - 1;
        return RANGE_PART;
}

/* One range of bytes; several, or another unit, are answered with the whole. */
static Range read_range(const char *text, size_t size, size_t *ret_first, size_t *ret_last) {
        uint64_t first, last = UINT64_MAX;
        if (!text || !g_str_has_prefix(text, "bytes="))
                return RANGE_NONE;
        const char *at = text + strlen("bytes=");
        if (*at == '-')
                return read_suffix(at + 1, size, ret_first, ret_last);
        if (!read_number(&at, &first) || *at++ != '-' || (*at != 0 && !read_number(&at, &last)) || *at != 0 ||
            last < first)
                return RANGE_NONE;
        if (first >= size)
                return RANGE_IMPOSSIBLE;
        *ret_first = first;
        *ret_last = MIN(last, size - 1);
        return RANGE_PART;
}

static enum MHD_Result respond_range(Request *request, GBytes *body, const Representation *representation, size_t first,
                                     size_t last) {
        char text[80];
        struct MHD_Response *response = response_of(body, first, last - first + 1);
        representation_headers(response, representation);
        g_snprintf(text, sizeof text, "bytes %zu-%zu/%zu", first, last, g_bytes_get_size(body));
        add(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
        return queue(request, MHD_HTTP_PARTIAL_CONTENT, response);
}

static enum MHD_Result respond_impossible(Request *request, size_t size) {
        char text[48];
        struct MHD_Response *response = MHD_create_response_from_buffer(0, (char[]){""}, MHD_RESPMEM_PERSISTENT);
        respond_common_headers(response);
        g_snprintf(text, sizeof text, "bytes */%zu", size);
        add(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
        return queue(request, MHD_HTTP_RANGE_NOT_SATISFIABLE, response);
}

/* --- whole representations --------------------------------------------------------------------------------------- */

/* Whether a condition's list of entity tags names ours, in whichever coding it was sent ("tag", W/"tag", "tag-gz"). */
static bool etag_matches(const char *condition, const char *etag) {
        if (!condition || !etag)
                return false;
        size_t n = strlen(etag) - 1; /* without the closing quote */
        for (const char *p = condition; (p = strchr(p, '"')); p++) {
                bool named = strncmp(p, etag, n) == 0;
                if (named && (p[n] == '"' || g_str_has_prefix(p + n, PACKED_SUFFIX "\"")))
                        return true;
                p = strchr(p + 1, '"');
                if (!p)
                        return false;
        }
        return g_str_equal(condition, "*");
}

/* Parameters of a coding that give it the weight 0: ";q=0", "; q=0.000". */
static bool is_refused(const char *parameters) {
        const char *weight = strstr(parameters, "q=");
        return weight && weight[2 + strspn(weight + 2, "0.")] == 0;
}

static bool accepts_gzip(Request *request) {
        const char *accepted = request_header(request, MHD_HTTP_HEADER_ACCEPT_ENCODING);
        g_auto(GStrv) codings = g_strsplit(accepted ? accepted : "", ",", 0);
        for (char **coding = codings; *coding; coding++) {
                const char *name = g_strstrip(*coding);
                size_t n = strcspn(name, "; \t");
                if (n == strlen("gzip") && g_ascii_strncasecmp(name, "gzip", n) == 0)
                        return !is_refused(name + n);
        }
        return false;
}

/* NULL when it cannot be made smaller. */
static GBytes *compress_gzip(GBytes *body) {
        size_t size;
        const void *data = g_bytes_get_data(body, &size);
        z_stream stream = {0};
        if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
                return NULL;
        uint8_t *out = g_malloc(size);
        stream.next_in = data;
        stream.avail_in = (uInt)size;
        stream.next_out = out;
        stream.avail_out = (uInt)size;
        bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
        size_t n = stream.total_out;
        deflateEnd(&stream);
        if (done)
                return g_bytes_new_take(out, n);
        g_free(out);
        return NULL;
}

/* body, compressed: what was kept under its entity tag, or made now. NULL as in compress_gzip. */
static GBytes *packed_get(Http *http, GBytes *body, const char *etag) {
        if (!etag || g_bytes_get_size(body) < KEEP_MIN_BYTES)
                return compress_gzip(body);
        pthread_mutex_lock(&http->packed_lock);
        GBytes *packed = g_hash_table_lookup(http->packed, etag);
        if (packed)
                g_bytes_ref(packed);
        pthread_mutex_unlock(&http->packed_lock);
        if (packed)
                return packed;
        packed = compress_gzip(body);
        pthread_mutex_lock(&http->packed_lock);
        if (g_hash_table_size(http->packed) >= KEEP_MAX)
                g_hash_table_remove_all(http->packed);
        if (packed)
                g_hash_table_insert(http->packed, g_strdup(etag), g_bytes_ref(packed));
        pthread_mutex_unlock(&http->packed_lock);
        return packed;
}

static struct MHD_Response *packed_response(GBytes *packed, const Representation *representation) {
        g_autofree char *etag = NULL;
        Representation of_packed = *representation;
        if (representation->etag)
                etag = g_strdup_printf("%.*s" PACKED_SUFFIX "\"", (int)strlen(representation->etag) - 1,
                                       representation->etag);
        of_packed.etag = etag;
        struct MHD_Response *response = response_of(packed, 0, g_bytes_get_size(packed));
        representation_headers(response, &of_packed);
        add(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
        return response;
}

enum MHD_Result respond_bytes_as(Request *request, unsigned status, GBytes *body,
                                 const Representation *representation) {
        g_autoptr(GBytes) packed = NULL;
        if (representation->is_text && g_bytes_get_size(body) >= COMPRESS_MIN_BYTES && accepts_gzip(request))
                packed = packed_get(request->http, body, representation->etag);
        if (packed)
                return queue(request, status, packed_response(packed, representation));
        struct MHD_Response *response = response_of(body, 0, g_bytes_get_size(body));
        representation_headers(response, representation);
        if (!representation->is_text)
                add(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
        return queue(request, status, response);
}

/* INV-HTTP-005 */
enum MHD_Result respond_bytes(Request *request, GBytes *body, const Representation *representation) {
        size_t first, last;
        if (etag_matches(request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH), representation->etag)) {
                struct MHD_Response *response =
                        MHD_create_response_from_buffer(0, (char[]){""}, MHD_RESPMEM_PERSISTENT);
                representation_headers(response, representation);
                return queue(request, MHD_HTTP_NOT_MODIFIED, response);
        }
        const char *range = representation->is_text ? NULL : request_header(request, MHD_HTTP_HEADER_RANGE);
        const char *if_range = request_header(request, MHD_HTTP_HEADER_IF_RANGE);
        if (if_range && !etag_matches(if_range, representation->etag))
                range = NULL;
        switch (read_range(range, g_bytes_get_size(body), &first, &last)) {
        case RANGE_PART:
                return respond_range(request, body, representation, first, last);
        case RANGE_IMPOSSIBLE:
                return respond_impossible(request, g_bytes_get_size(body));
        case RANGE_NONE:
                break;
        }
        return respond_bytes_as(request, MHD_HTTP_OK, body, representation);
}

enum MHD_Result respond_preflight(Request *request) {
        struct MHD_Response *response = MHD_create_response_from_buffer(0, (char[]){""}, MHD_RESPMEM_PERSISTENT);
        respond_common_headers(response);
        add(response, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
        add(response, "Access-Control-Allow-Headers", "Range, If-None-Match, If-Range, Content-Type");
        add(response, "Access-Control-Max-Age", "86400");
        add(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, OPTIONS");
        return queue(request, MHD_HTTP_NO_CONTENT, response);
}

static GBytes *json_bytes(json_t *take_document) {
        char *text = json_dumps(take_document, JSON_COMPACT);
        json_decref(take_document);
        g_assert(text);
        return g_bytes_new_with_free_func(text, strlen(text), free, text);
}

enum MHD_Result respond_json(Request *request, unsigned status, json_t *take_document) {
        g_autoptr(GBytes) body = json_bytes(take_document);
        return respond_bytes_as(request, status, body, &json_kind);
}

enum MHD_Result respond_error(Request *request, unsigned status, const char *code, int retry_after_s,
                              const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *message = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_autofree char *valid = g_utf8_make_valid(message, -1);
        failure_note_of("http", code, valid);
        g_autoptr(GBytes) body = json_bytes(json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", valid));
        struct MHD_Response *response = response_of(body, 0, g_bytes_get_size(body));
        representation_headers(response, &json_kind);
        if (retry_after_s > 0) {
                char text[16];
                g_snprintf(text, sizeof text, "%d", retry_after_s);
                add(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
        }
        if (request->tuner_error)
                add(response, "X-HDHomeRun-Error", request->tuner_error);
        if (request->challenge)
                add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, request->challenge);
        if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
                add(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, OPTIONS");
        return queue(request, status, response);
}

/* --- how the client sees us -------------------------------------------------------------------------------------- */

/* What stands in the first element of a list header, if it is fit to be repeated in a URL. */
static char *first_element(const char *header) {
        if (!header)
                return NULL;
        size_t n = strcspn(header, ", ");
        for (size_t i = 0; i < n; i++)
                if (!g_ascii_isalnum(header[i]) && !strchr(".-:[]/_", header[i]))
                        return NULL;
        return n > 0 && n < 256 ? g_strndup(header, n) : NULL;
}

char *request_base_url(Request *request) {
        const HttpOptions *options = &request->http->options;
        if (options->public_url)
                return g_strdup(options->public_url);
        g_autofree char *scheme = first_element(request_header(request, "X-Forwarded-Proto"));
        g_autofree char *prefix = first_element(request_header(request, "X-Forwarded-Prefix"));
        g_autofree char *host = first_element(request_header(request, "X-Forwarded-Host"));
        if (!host)
                host = first_element(request_header(request, MHD_HTTP_HEADER_HOST));
        if (!host)
                host = g_strdup_printf("%s:%d", options->listen_address, http_port(request->http));
        bool secure = scheme && g_str_equal(scheme, "https");
        return g_strdup_printf("%s://%s%s", secure ? "https" : "http", host,
                               prefix && prefix[0] == '/' && !g_str_has_suffix(prefix, "/") ? prefix : "");
}

char *request_base_path(Request *request) {
        g_autofree char *url = request_base_url(request);
        const char *host = strstr(url, "://");
        const char *path = host ? strchr(host + strlen("://"), '/') : NULL;
        return g_strdup(path ? path : "");
}

enum MHD_Result respond_stream(Request *request, const char *type, size_t block_bytes, MHD_ContentReaderCallback read) {
        struct MHD_Response *response =
                MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, block_bytes, read, request, NULL);
        /* The library would end the answer to HEAD, which has no body, as it ends a body in chunks. */
        if (request->head)
                (void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
        add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        add(response, "X-Accel-Buffering", "no"); /* nginx: what comes is passed on at once */
        return queue(request, MHD_HTTP_OK, response);
}
