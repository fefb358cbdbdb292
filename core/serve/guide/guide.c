#include "core/serve/guide/guide.h"

#include <string.h>

#include "core/serve/guide/guide_private.h"
#include "proto/base/hash.h"

/* Base URLs come from request headers: no more documents than this are kept, whatever strangers send. */
#define MAX_DOCUMENTS 32
#define ETAG_DIGITS 32

static void document_free(void *user) {
        guide_document_clear(user);
        g_free(user);
}

Guide *guide_new(PlanBoard *board, RvClock *clock, const char *domain) {
        Guide *guide = g_new0(Guide, 1);
        guide->board = board;
        guide->clock = clock;
        guide->domain = g_strdup(domain);
        guide->documents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, document_free);
        pthread_mutex_init(&guide->lock, NULL);
        return guide;
}

void guide_free(Guide *guide) {
        if (!guide)
                return;
        g_hash_table_unref(guide->documents);
        pthread_mutex_destroy(&guide->lock);
        g_free(guide->domain);
        g_free(guide);
}

/* --- entries ----------------------------------------------------------------------------------------------------- */

static const Programme *programme_at(const PlanView *view, unsigned index) {
        return g_ptr_array_index(view->programmes, index);
}

static bool is_filler(const Programme *programme) {
        return programme->asset_id == NULL;
}

unsigned guide_index_at(const PlanView *view, int64_t utc_ms) {
        unsigned low = 0, high = view->programmes->len;
        while (low < high) {
                unsigned middle = low + (high - low) / 2;
                if (programme_at(view, middle)->end_utc_ms <= utc_ms)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == view->programmes->len)
                return low;
        while (low > 0 && is_filler(programme_at(view, low)))
                low--;
        return low;
}

/* Where the run of filler from programme index on ends: the first programme that is none. */
static unsigned filler_end(const PlanView *view, unsigned index) {
        while (index < view->programmes->len && is_filler(programme_at(view, index)))
                index++;
        return index;
}

bool guide_next(const PlanView *view, unsigned *index, GuideEntry *ret_entry) {
        if (*index >= view->programmes->len)
                return false;
        const Programme *programme = programme_at(view, *index);
        *ret_entry = (GuideEntry){programme, programme->start_utc_ms, programme->end_utc_ms};
        unsigned next = filler_end(view, *index + 1);
        /* INV-EPG-NO-GAP-001: programmes touch, so what ends where one of them ends begins the next. */
        int64_t filled_until = programme_at(view, next - 1)->end_utc_ms;
        /* INV-EPG-FILLER-INVISIBLE-001 */
        if (is_filler(programme) || filled_until - programme->end_utc_ms <= GUIDE_MERGED_FILLER_MAX_MS)
                ret_entry->end_utc_ms = filled_until;
        else
                next = *index + 1;
        *index = next;
        return true;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

/* INV-GUIDE-002 */
static bool is_fit(gunichar c) {
        return c >= 0x20 && c != 0x7f && c != 0xfffd && c != 0xfffe && c != 0xffff;
}

char *guide_text(const char *text) {
        g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
        GString *out = g_string_sized_new(strlen(valid));
        for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);
                if (is_fit(c))
                        g_string_append_unichar(out, c);
                else if (c == '\n' || c == '\t')
                        g_string_append_c(out, ' ');
        }
        return g_strstrip(g_string_free(out, FALSE));
}

char *guide_channel_name(const ChannelSpec *spec) {
        char *name = guide_text(spec->name);
        g_strdelimit(name, "\"", '\'');
        char *out = name;
        for (const char *p = name; *p; p++)
                if (*p != ',')
                        *out++ = *p;
        *out = 0;
        if (name[0])
                return name;
        g_free(name);
        return g_strdup(spec->id);
}

/* INV-GUIDE-003 */
char *guide_channel_id(const Guide *guide, int32_t number) {
        int sum = 0;
        for (int32_t n = number; n > 0; n /= 10)
                sum += n % 10 + 48;
        return g_strdup_printf("C%d.%d.%s", number, sum, guide->domain);
}

/* --- documents --------------------------------------------------------------------------------------------------- */

void guide_document_clear(GuideDocument *document) {
        g_clear_pointer(&document->body, g_bytes_unref);
}

/* Made from the views that there are now; NULL when there are none. */
typedef GBytes *(*DocumentWriter)(const Guide *guide, GPtrArray *views, const char *base_url, int variant);

static GuideDocument *document_new(Guide *guide, DocumentWriter writer, const char *base_url, int variant) {
        g_autoptr(GPtrArray) views = plan_board_views(guide->board);
        if (views->len == 0) /* INV-GUIDE-001 */
                return NULL;
        char hex[RV_SHA256_HEX_SIZE];
        GuideDocument *document = g_new0(GuideDocument, 1);
        document->body = writer(guide, views, base_url, variant);
        rv_sha256_hex(g_bytes_get_data(document->body, NULL), g_bytes_get_size(document->body), hex);
        g_snprintf(document->etag, sizeof document->etag, "\"%.*s\"", ETAG_DIGITS, hex);
        return document;
}

/* With the lock held. */
static void forget_stale(Guide *guide) {
        /* Asked before the views: what is published in between is made once more, never missed. */
        int64_t generation = plan_board_generation(guide->board);
        if (generation != guide->generation || g_hash_table_size(guide->documents) >= MAX_DOCUMENTS)
                g_hash_table_remove_all(guide->documents);
        guide->generation = generation;
}

static GuideDocument document_get(Guide *guide, DocumentWriter writer, const char *base_url, int variant) {
        g_autofree char *key = g_strdup_printf("%d %s", variant, base_url);
        GuideDocument copy = {0};
        pthread_mutex_lock(&guide->lock);
        forget_stale(guide);
        /* INV-EPG-VIEWER-INDEPENDENT-001: of the plan and the address alone */
        GuideDocument *document = g_hash_table_lookup(guide->documents, key);
        if (!document) {
                document = document_new(guide, writer, base_url, variant);
                if (document)
                        g_hash_table_insert(guide->documents, g_steal_pointer(&key), document);
        }
        if (document) {
                copy = *document;
                g_bytes_ref(copy.body);
        }
        pthread_mutex_unlock(&guide->lock);
        return copy;
}

static GBytes *write_m3u(const Guide *guide, GPtrArray *views, const char *base_url, int variant) {
        return guide_m3u_write(guide, views, base_url, (GuideStream)variant);
}

static GBytes *write_xmltv(const Guide *guide, GPtrArray *views, const char *base_url, int variant) {
        return guide_xmltv_write(guide, views, base_url);
}

GuideDocument guide_m3u(Guide *guide, const char *base_url, GuideStream stream) {
        return document_get(guide, write_m3u, base_url, (int)stream);
}

GuideDocument guide_xmltv(Guide *guide, const char *base_url) {
        return document_get(guide, write_xmltv, base_url, -1);
}
