/*
 * A Plex library's database with the tables and columns that its server makes, row by row or generated: the same
 * arguments give the same rows. What tests do not look at (posters, accounts, statistics) is left out, but not what
 * could be in a reader's way: collations and tokenizers that only its server has.
 */
#pragma once

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
        PLEX_TODAY,   /* dates are seconds; studio, extra_type and the like are there */
        PLEX_OF_2014, /* dates are texts, genres a column "A|B", no labels */
} PlexAge;

typedef struct PlexFixture PlexFixture;

/* Makes the database in a write-ahead log, as the server does. Its connection stays open until it is closed. */
PlexFixture *plex_fixture_new(const char *path, PlexAge age);
/* checkpoint: the log is gone afterwards, as when the server was shut down. */
void plex_fixture_close(PlexFixture *plex);
/* For what the calls below cannot do. */
sqlite3 *plex_fixture_db(PlexFixture *plex);
void plex_fixture_run(PlexFixture *plex, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Ids are returned. */
int64_t plex_fixture_section(PlexFixture *plex, const char *name, int type, const char *root);
int64_t plex_fixture_show(PlexFixture *plex, int64_t section, const char *title);
int64_t plex_fixture_season(PlexFixture *plex, int64_t section, int64_t show, int number);
int64_t plex_fixture_episode(PlexFixture *plex, int64_t section, int64_t season, int number, const char *title);
int64_t plex_fixture_movie(PlexFixture *plex, int64_t section, const char *title, int year);
/* One more version of an item, in one file. */
int64_t plex_fixture_file(PlexFixture *plex, int64_t item, const char *file, int width);
/* type: 1 genre, 2 collection, 4 director, 11 label */
void plex_fixture_tag(PlexFixture *plex, int64_t item, int type, const char *text);

/* A library of so many episodes and films below root/TV Shows and root/Movies; makes the (tiny) files, too, if asked.
 */
void plex_fixture_generate(PlexFixture *plex, const char *root, unsigned n_episodes, unsigned n_movies,
                           bool make_files);

/* The founding library: 12,364 files, which have 24,375 names. */
#define PLEX_FOUNDING_EPISODES 12011
#define PLEX_FOUNDING_MOVIES 353
