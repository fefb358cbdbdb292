#include "proto/base/id.h"

#include <glib.h>
#include <string.h>
#include <uuid/uuid.h>

/* 2b4d8a52-6c57-4c3e-9a0f-52e7d0a1c9b6: never to be changed, every id made from a name depends on it. INV-BASE-005 */
static const uuid_t retrovue_namespace = {0x2b, 0x4d, 0x8a, 0x52, 0x6c, 0x57, 0x4c, 0x3e,
                                          0x9a, 0x0f, 0x52, 0xe7, 0xd0, 0xa1, 0xc9, 0xb6};

void rv_uuid_random(char ret_uuid[RV_UUID_SIZE]) {
        uuid_t uuid;
        uuid_generate_random(uuid);
        uuid_unparse_lower(uuid, ret_uuid);
}

void rv_uuid_named(const char *name, char ret_uuid[RV_UUID_SIZE]) {
        uuid_t uuid;
        uuid_generate_sha1(uuid, retrovue_namespace, name, strlen(name)); /* INV-BASE-005 */
        uuid_unparse_lower(uuid, ret_uuid);
}

bool rv_uuid_valid(const char *text) {
        if (!text || strlen(text) != RV_UUID_SIZE - 1)
                return false;
        for (size_t i = 0; i < RV_UUID_SIZE - 1; i++) {
                const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
                if (dash ? text[i] != '-' : !g_ascii_isxdigit(text[i]) || g_ascii_isupper(text[i]))
                        return false;
        }
        return true;
}

static bool slug_start(char c) {
        return g_ascii_islower(c) || g_ascii_isdigit(c);
}

bool rv_slug_valid(const char *text) {
        if (!text || !slug_start(*text)) /* INV-BASE-006 */
                return false;
        size_t length = 0;
        for (; text[length] != '\0'; length++)
                if (length == RV_SLUG_MAX || !(slug_start(text[length]) || text[length] == '_' || text[length] == '-'))
                        return false;
        return true;
}

/* Apostrophes and the marks that decomposition leaves behind vanish; they do not part words. */
static bool slug_skips(gunichar c) {
        return c == '\'' || c == 0x2019 || g_unichar_ismark(c);
}

char *rv_slug_from(const char *text) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        g_autofree char *folded = g_utf8_casefold(valid, -1);
        g_autofree char *plain = g_utf8_normalize(folded, -1, G_NORMALIZE_ALL);
        char slug[RV_SLUG_MAX + 1];
        size_t length = 0;
        bool gap = false;
        for (const char *p = plain; *p != '\0' && length < RV_SLUG_MAX; p = g_utf8_next_char(p)) {
                const gunichar c = g_utf8_get_char(p);
                const bool kept = c < 128 && (slug_start((char)c) || (c == '_' && length > 0));
                if (!kept) {
                        gap = gap || !slug_skips(c);
                        continue;
                }
                if (gap && length > 0)
                        slug[length++] = '-';
                gap = false;
                if (length < RV_SLUG_MAX)
                        slug[length++] = (char)c;
        }
        while (length > 0 && slug[length - 1] == '-')
                length--;
        return length > 0 ? g_strndup(slug, length) : g_strdup("untitled");
}
