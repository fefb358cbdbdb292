#include "air/graphics/tame.h"

#include <stdbool.h>
#include <string.h>

#define MAX_SCALE_PERCENT 400
#define MAX_BLUR 20

/* In the script's own units: letters as high as the picture, borders a quarter of it. */
static double max_size(const ASS_Track *track) {
        return MAX(track->PlayResY, 1);
}

static double max_border(const ASS_Track *track) {
        return max_size(track) / 4;
}

void tame_styles(ASS_Track *track) {
        for (int i = 0; i < track->n_styles; i++) {
                ASS_Style *style = &track->styles[i];
                style->FontSize = MIN(style->FontSize, max_size(track));
                style->ScaleX = MIN(style->ScaleX, MAX_SCALE_PERCENT / 100.0);
                style->ScaleY = MIN(style->ScaleY, MAX_SCALE_PERCENT / 100.0);
                style->Outline = MIN(style->Outline, max_border(track));
                style->Shadow = MIN(style->Shadow, max_border(track));
        }
}

/* The length of the command's name at text, and the most that may follow it; 0: none that matters. */
static size_t find_command(const ASS_Track *track, const char *text, double *ret_most) {
        const double border = max_border(track);
        const struct {
                const char *name;
                double most;
        } commands[] = {
                {"fscx", MAX_SCALE_PERCENT},
                {"fscy", MAX_SCALE_PERCENT},
                {"fsp", border},
                {"fs", max_size(track)},
                {"xbord", border},
                {"ybord", border},
                {"bord", border},
                {"xshad", border},
                {"yshad", border},
                {"shad", border},
                {"blur", MAX_BLUR},
                {"be", MAX_BLUR},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
                if (g_str_has_prefix(text, commands[i].name)) {
                        *ret_most = commands[i].most;
                        return strlen(commands[i].name);
                }
        return 0;
}

char *tame_event(const ASS_Track *track, const char *event) {
        GString *tame = g_string_new(NULL);
        for (const char *at = event; *at;) {
                const char *name = at + 1;
                while (*at == '\\' && *name == ' ')
                        name++;
                double most = 0;
                const size_t length = *at == '\\' ? find_command(track, name, &most) : 0;
                if (length == 0) {
                        g_string_append_c(tame, *at++);
                        continue;
                }
                const char *number = name + length + strspn(name + length, " (");
                char *end;
                const double value = g_ascii_strtod(number, &end);
                const bool relative = *number == '+' || *number == '-'; /* to what it is by then: adds up */
                g_string_append_len(tame, at, number - at);
                if (end > number && (relative || !(value <= most)))
                        g_string_append_printf(tame, "%d", relative ? 0 : (int)most);
                else
                        g_string_append_len(tame, number, end - number);
                at = end;
        }
        return g_string_free(tame, FALSE);
}
