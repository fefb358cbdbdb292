/* plex_library DATABASE ROOT EPISODES FILMS: makes a generated Plex library, and its (tiny) files below ROOT. */
#include <stdio.h>

#include "tests/support/plex_fixture.h"

int main(int argc, char **argv) {
        guint64 n_episodes = 0, n_movies = 0;
        if (argc != 5 || !g_ascii_string_to_unsigned(argv[3], 10, 0, 10000000, &n_episodes, NULL) ||
            !g_ascii_string_to_unsigned(argv[4], 10, 0, 10000000, &n_movies, NULL)) {
                fputs("usage: plex_library DATABASE ROOT EPISODES FILMS\n", stderr);
                return 2;
        }
        PlexFixture *plex = plex_fixture_new(argv[1], PLEX_TODAY);
        plex_fixture_generate(plex, argv[2], (unsigned)n_episodes, (unsigned)n_movies, true);
        plex_fixture_close(plex);
        return 0;
}
