/* The page and its assets: read once, when the server starts, so that no path of a request ever meets the disk. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/serve/http/http_private.h"
#include "proto/base/hash.h"
#include "proto/base/log.h"

#define INDEX "/index.html"
#define MAX_DEPTH 4
#define MAX_FILES 256
#define MAX_FILE_BYTES (8 * 1024 * 1024)
#define ETAG_DIGITS 32

/* data: is the empty track that hls.js lets captions be switched on by. */
static const char policy[] =
        "default-src 'self'; media-src blob: data: 'self'; worker-src blob: 'self'; connect-src 'self'; "
        "img-src 'self' data:";

static const struct {
        const char *suffix, *type;
        bool is_text;
} types[] = {
        {".html", "text/html; charset=utf-8", true},
        {".css", "text/css; charset=utf-8", true},
        {".js", "text/javascript; charset=utf-8", true},
        {".mjs", "text/javascript; charset=utf-8", true},
        {".json", "application/json", true},
        {".webmanifest", "application/manifest+json", true},
        {".svg", "image/svg+xml", true},
        {".txt", "text/plain; charset=utf-8", true},
        {".map", "application/json", true},
        {".png", "image/png", false},
        {".jpg", "image/jpeg", false},
        {".webp", "image/webp", false},
        {".ico", "image/x-icon", false},
        {".woff2", "font/woff2", false},
};

typedef struct {
        GBytes *body;
        Representation kind;
        char etag[ETAG_DIGITS + 3];
} File;

static void file_free(void *user) {
        File *file = user;
        g_bytes_unref(file->body);
        g_free(file);
}

static void set_type(const char *path, Representation *kind) {
        kind->type = "application/octet-stream";
        for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
                if (g_str_has_suffix(path, types[i].suffix)) {
                        kind->type = types[i].type;
                        kind->is_text = types[i].is_text;
                }
}

static void add_file(GHashTable *files, const char *disk_path, const char *path) {
        g_autoptr(GError) error = NULL;
        char *data = NULL, hex[RV_SHA256_HEX_SIZE];
        size_t size;
        if (!g_file_get_contents(disk_path, &data, &size, &error)) {
                rv_warning("http.page_file_unreadable", RV_S("path", disk_path), RV_S("error", error->message));
                return;
        }
        File *file = g_new0(File, 1);
        rv_sha256_hex(data, size, hex);
        file->body = g_bytes_new_take(data, size);
        g_snprintf(file->etag, sizeof file->etag, "\"%.*s\"", ETAG_DIGITS, hex);
        file->kind.etag = file->etag;
        file->kind.policy = policy;
        set_type(path, &file->kind);
        g_hash_table_replace(files, g_strdup(path), file);
}

static void add_folder(GHashTable *files, const char *disk_path, const char *path, int depth);

static void add_entry(GHashTable *files, const char *disk_path, const char *path, int depth) {
        struct stat info;
        if (stat(disk_path, &info) != 0)
                return;
        if (S_ISDIR(info.st_mode))
                add_folder(files, disk_path, path, depth + 1);
        else if (S_ISREG(info.st_mode) && info.st_size <= MAX_FILE_BYTES && g_hash_table_size(files) < MAX_FILES)
                add_file(files, disk_path, path);
        else
                rv_warning("http.page_file_left_out", RV_S("path", disk_path));
}

static void add_folder(GHashTable *files, const char *disk_path, const char *path, int depth) {
        g_autoptr(GDir) dir = depth <= MAX_DEPTH ? g_dir_open(disk_path, 0, NULL) : NULL;
        for (const char *name; dir && (name = g_dir_read_name(dir));) {
                if (name[0] == '.')
                        continue;
                g_autofree char *below = g_build_filename(disk_path, name, NULL);
                g_autofree char *path_below = g_strdup_printf("%s/%s", path, name);
                add_entry(files, below, path_below, depth);
        }
}

/* INV-HTTP-002 */
GHashTable *files_load(const char *web_dir) {
        GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, file_free);
        if (web_dir)
                add_folder(files, web_dir, "", 0);
        if (!g_hash_table_contains(files, INDEX))
                rv_warning("http.no_page", RV_S("web_dir", web_dir ? web_dir : ""));
        return files;
}

/* For people: a browser's user has no use for JSON. */
static enum MHD_Result no_page(Request *request) {
        static const char text[] =
                "<!doctype html><html lang=\"en\"><title>RetroVue</title><h1>RetroVue is running</h1>"
                "<p>The page's files are not installed where <code>web_dir</code> says. Channels can be watched all "
                "the "
                "same: <a href=\"channels.m3u\">channels.m3u</a>, <a href=\"guide.xml\">guide.xml</a>, "
                "<a href=\"api/v1/channels\">api/v1/channels</a>.</html>\n";
        g_autoptr(GBytes) body = g_bytes_new_static(text, sizeof text - 1);
        return respond_bytes_as(request, MHD_HTTP_NOT_FOUND, body,
                                &(Representation){.type = "text/html; charset=utf-8", .policy = policy});
}

enum MHD_Result files_page(Request *request) {
        bool index = g_str_equal(request->path, "/");
        const File *file = g_hash_table_lookup(request->http->files, index ? INDEX : request->path);
        if (file)
                return respond_bytes(request, file->body, &file->kind);
        if (index)
                return no_page(request);
        return respond_error(request, MHD_HTTP_NOT_FOUND, "not_found", 0, "there is nothing at %s", request->path);
}
