#include <glib.h>
#include <string.h>

#include "air/producer/track/track.h"

/* What is looked for in titles, case-folded, in parts of words too ("Kommentare"). */
static const struct {
        const char *word;
        unsigned flag;
} title_words[] = {
        {"commentary", TRACK_COMMENTARY},
        {"kommentar", TRACK_COMMENTARY},
        {"commentaire", TRACK_COMMENTARY},
        {"comentario", TRACK_COMMENTARY},
        {"commento", TRACK_COMMENTARY},
        {"descriptive", TRACK_IMPAIRED},
        {"described", TRACK_IMPAIRED},
        {"audio description", TRACK_IMPAIRED},
        {"audiodescription", TRACK_IMPAIRED},
        {"hearing", TRACK_IMPAIRED},
        {"visual", TRACK_IMPAIRED},
        {"sdh", TRACK_IMPAIRED},
        {"forced", TRACK_FORCED},
        {"signs", TRACK_FORCED},
};

unsigned track_title_flags(const char *title) {
        if (!title || !g_utf8_validate(title, -1, NULL))
                return 0;
        g_autofree char *folded = g_utf8_casefold(title, -1);
        unsigned flags = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(title_words); i++)
                if (strstr(folded, title_words[i].word))
                        flags |= title_words[i].flag;
        return flags;
}

/* -1: not in the list. */
static int place_in(char *const *languages, const char *language) {
        for (int i = 0; languages && languages[i]; i++)
                if (strcmp(languages[i], language) == 0)
                        return i;
        return -1;
}

static bool is_empty(char *const *languages) {
        return !languages || !languages[0];
}

static unsigned rank_of(bool worse, int bit) {
        return worse ? 1U << bit : 0;
}

/* INV-PRODUCER-014 */
int track_choose_sound(const Track *tracks, size_t n, char *const *wishes) {
        int best = -1;
        int64_t best_rank = INT64_MAX;
        for (size_t i = 0; i < n; i++) {
                const Track *track = &tracks[i];
                const int place = place_in(wishes, track->language);
                if (place < 0 || track->flags & TRACK_COMMENTARY)
                        continue;
                const unsigned mark =
                        rank_of(track->flags & TRACK_IMPAIRED, 1) | rank_of(!(track->flags & TRACK_DEFAULT), 0);
                const int64_t rank = ((int64_t)place << 16 | mark << 8) + (255 - CLAMP(track->channels, 0, 255));
                if (rank < best_rank) {
                        best = (int)i;
                        best_rank = rank;
                }
        }
        return best;
}

/* How well a language answers a list: its place, or behind them all when not known; -1: not at all. */
static int answer(char *const *wishes, const char *language) {
        if (is_empty(wishes))
                return 0;
        const int place = place_in(wishes, language);
        return place < 0 && language[0] == '\0' ? (int)g_strv_length((char **)wishes) : place;
}

/* The best of those that have (forced) or have not (full) the mark. */
static int best_subtitles(const Track *tracks, size_t n, char *const *wishes, unsigned forced) {
        int best = -1;
        unsigned best_rank = UINT32_MAX;
        for (size_t i = 0; i < n; i++) {
                const unsigned flags = tracks[i].flags;
                const int place = answer(wishes, tracks[i].language);
                if (place < 0 || flags & TRACK_COMMENTARY || (flags & TRACK_FORCED) != forced)
                        continue;
                const unsigned rank = (unsigned)place << 4 | rank_of(flags & TRACK_IMPAIRED, 3) |
                                      rank_of(!(flags & TRACK_BESIDE), 2) | rank_of(!(flags & TRACK_DEFAULT), 1) |
                                      rank_of(flags & TRACK_BITMAP, 0);
                if (rank < best_rank) {
                        best = (int)i;
                        best_rank = rank;
                }
        }
        return best;
}

static bool is_wanted(const SubtitleWishes *wishes, char *const *languages) {
        char *const *home = is_empty(wishes->sound_wishes) ? languages : wishes->sound_wishes;
        switch (wishes->policy) {
        case SUBTITLES_ALWAYS:
                return true;
        case SUBTITLES_FOREIGN:
                return wishes->sound_language[0] && !is_empty(home) && place_in(home, wishes->sound_language) < 0;
        case SUBTITLES_NEVER:
        default:
                return false;
        }
}

/* Tracks of pictures mark single events as forced; only one whose language is known to be right is worth a look. */
static int best_with_marks(const Track *tracks, size_t n, char *const *languages) {
        const int best = best_subtitles(tracks, n, languages, 0);
        return best >= 0 && tracks[best].flags & TRACK_BITMAP && tracks[best].language[0] ? best : -1;
}

/* INV-SUBTITLE-001 */
SubtitleChoice track_choose_subtitles(const Track *tracks, size_t n, const SubtitleWishes *wishes) {
        char *const *languages = is_empty(wishes->wishes) ? wishes->sound_wishes : wishes->wishes;
        if (is_wanted(wishes, languages)) {
                const int full = best_subtitles(tracks, n, languages, 0);
                if (full >= 0)
                        return (SubtitleChoice){full, false};
        }
        char *const of_sound[] = {(char *)wishes->sound_language, NULL};
        if (is_empty(languages) && wishes->sound_language[0])
                languages = of_sound;
        const int forced = best_subtitles(tracks, n, languages, TRACK_FORCED);
        if (forced >= 0)
                return (SubtitleChoice){forced, false};
        return (SubtitleChoice){best_with_marks(tracks, n, languages), true};
}
