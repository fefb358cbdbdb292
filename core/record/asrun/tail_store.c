#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/record/asrun/asrun_private.h"
#include "proto/base/error.h"

#define SUFFIX ".asrun.jsonl"
#define LAST_BYTES 16384 /* of what is there at the first look */

struct AsRunTail {
        Store *store;
        char *logs_dir, *channel_id;
        GHashTable *offsets; /* name -> int64_t: what has been told of the file */
        bool begun;
};

AsRunTail *asrun_tail_new(Store *store, const char *logs_dir, const char *channel_id) {
        AsRunTail *tail = g_new0(AsRunTail, 1);
        tail->store = store;
        tail->logs_dir = g_strdup(logs_dir);
        tail->channel_id = g_strdup(channel_id);
        tail->offsets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        return tail;
}

void asrun_tail_free(AsRunTail *tail) {
        if (!tail)
                return;
        g_hash_table_unref(tail->offsets);
        g_free(tail->logs_dir);
        g_free(tail->channel_id);
        g_free(tail);
}

/* --- a file ------------------------------------------------------------------------------------------------------ */

typedef struct {
        char *name;
        int64_t size; /* committed */
} Grown;

static void clear_grown(void *user) {
        Grown *grown = user;
        g_free(grown->name);
}

/* n bytes at offset, or what there is of them; g_free it. */
static char *read_part(const char *path, int64_t offset, int64_t n, GError **error) {
        FILE *file = fopen(path, "re");
        char *text = g_malloc0((size_t)n + 1);
        bool good = file && fseeko(file, (off_t)offset, SEEK_SET) == 0;
        if (good)
                text[fread(text, 1, (size_t)n, file)] = 0;
        good = good && !ferror(file);
        if (!good && errno != ENOENT) /* one that was taken away has nothing more to tell */
                rv_error_set_errno(error, errno, "%s", path);
        else
                good = true;
        if (file)
                (void)fclose(file);
        if (good)
                return text;
        g_free(text);
        return NULL;
}

typedef struct {
        void (*told)(void *user, const json_t *entry);
        void *user;
} Listener;

static void tell_line(const char *line, const Listener *listener) {
        json_t *entry = json_loads(line, 0, NULL);
        g_autofree char *row = entry ? asrun_line(entry, "00:00:00") : NULL;
        if (row)
                listener->told(listener->user, entry);
        json_decref(entry);
}

/* A part that does not begin with a file begins in the middle of a line. */
static bool tell_part(const AsRunTail *tail, const Grown *grown, int64_t offset, const Listener *listener,
                      GError **error) {
        const bool torn = !tail->begun && offset > 0;
        g_autofree char *path = g_build_filename(tail->logs_dir, "asrun", grown->name, NULL);
        g_autofree char *text = read_part(path, offset, grown->size - offset, error);
        if (!text)
                return false;
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (unsigned i = torn ? 1 : 0; lines[i]; i++)
                tell_line(lines[i], listener);
        return true;
}

/* Where to go on in a file that is size long now; -1: it has not grown. */
static int64_t place_in(const AsRunTail *tail, const Grown *grown, bool newest) {
        const int64_t *offset = g_hash_table_lookup(tail->offsets, grown->name);
        if (!tail->begun)
                return newest ? MAX(grown->size - LAST_BYTES, 0) : -1;
        if (!offset || grown->size < *offset) /* it began anew */
                return 0;
        return grown->size > *offset ? *offset : -1;
}

static void note(AsRunTail *tail, const Grown *grown) {
        int64_t *offset = g_new(int64_t, 1);
        *offset = grown->size;
        g_hash_table_insert(tail->offsets, g_strdup(grown->name), offset);
}

/* --- all --------------------------------------------------------------------------------------------------------- */

/* The channel's files, by day. */
static GArray *find(const AsRunTail *tail, GError **error) {
        g_autoptr(GError) local = NULL;
        g_autofree char *first = g_strconcat(tail->channel_id, "/", NULL);
        g_autofree char *beyond = g_strconcat(tail->channel_id, "0", NULL); /* the character after the slash */
        g_autoptr(GArray) files = g_array_new(FALSE, TRUE, sizeof(Grown));
        g_array_set_clear_func(files, clear_grown);
        sqlite3_stmt *row = store_query(tail->store, &local,
                                        "SELECT path, size FROM asrun_file WHERE path > ? AND path < ? ORDER BY path",
                                        "ss", first, beyond);
        while (row && store_row(tail->store, row, &local))
                if (g_str_has_suffix(store_text(row, 0), SUFFIX)) {
                        const Grown grown = {g_strdup(store_text(row, 0)), store_int(row, 1)};
                        g_array_append_val(files, grown);
                }
        if (!local)
                return g_steal_pointer(&files);
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
}

bool asrun_tail_look(AsRunTail *tail, void (*told)(void *user, const json_t *entry), void *user, GError **error) {
        const Listener listener = {told, user};
        g_autoptr(GArray) files = find(tail, error);
        for (unsigned i = 0; files && i < files->len; i++) {
                const Grown *grown = &g_array_index(files, Grown, i);
                const int64_t offset = place_in(tail, grown, i + 1 == files->len);
                if (offset >= 0 && !tell_part(tail, grown, offset, &listener, error))
                        return false;
                note(tail, grown);
        }
        tail->begun |= files != NULL;
        return files != NULL;
}
