#include <glib.h>
#include <string.h>

#include "air/producer/track/track.h"
#include "proto/base/language.h"

/* Codes that name no language. */
static const char *const nothing[] = {"und", "mis", "mul", "zxx", NULL};

/* qaa..qtz mean what their users agree on. */
static bool is_private(const char *code) {
        return code[0] == 'q' && code[1] <= 't';
}

bool track_language(const char *tag, char into[TRACK_LANGUAGE_SIZE]) {
        char code[TRACK_LANGUAGE_SIZE] = {0};
        size_t n = 0;
        into[0] = '\0';
        for (; tag && g_ascii_isalpha(tag[n]); n++) {
                if (n == 3)
                        return false;
                code[n] = g_ascii_tolower(tag[n]);
        }
        if (n < 2 || (tag[n] != '\0' && tag[n] != '-' && tag[n] != '_'))
                return false;
        const bool names_none = g_strv_contains(nothing, code) || (n == 3 && is_private(code));
        const char *found = names_none ? NULL : rv_language_of_code(code);
        if (!found && !names_none && n == 3)
                found = code; /* as good as any */
        if (!found)
                return false;
        memcpy(into, found, 3);
        into[3] = '\0';
        return true;
}
