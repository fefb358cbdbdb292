/*
 * Catalog: every media file that may be planned, measured once. Folders are scanned and files probed by a bounded pool
 * of low-priority threads; what is known is kept in the store and handed to planning as an immutable snapshot.
 *
 * Nothing outside of ingest ever opens a media file to learn about it: the measured duration here is contractual.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/config.h"
#include "core/base/store.h"
#include "proto/base/clock.h"
#include "proto/base/rational.h"

typedef enum {
        ASSET_EPISODE = 1,
        ASSET_MOVIE,
        ASSET_COMMERCIAL,
        ASSET_PROMO,
        ASSET_BUMPER,
        ASSET_STATION_ID,
        ASSET_PSA,
        ASSET_STINGER,
        ASSET_TRAILER,
        ASSET_FILLER,
} AssetKind;
#define ASSET_KINDS (ASSET_FILLER + 1) /* size of an array indexed by AssetKind */

const char *asset_kind_name(AssetKind kind);      /* "episode" ... "filler" */
AssetKind asset_kind_from_name(const char *name); /* 0 when no kind has that name */

typedef enum { ASSET_NEW = 1, ASSET_READY, ASSET_REFUSED, ASSET_MISSING, ASSET_RETIRED } AssetState;
const char *asset_state_name(AssetState state);

typedef struct {
        char *id; /* UUID, v5 of source and key: the same file gets the same id again */
        AssetKind kind;
        AssetState state;
        bool approved;
        char *reason;  /* why it is refused or missing, a sentence; NULL otherwise */
        char *uri;     /* absolute path */
        char *source;  /* who describes it: "folder", "plex", "jellyfin" */
        char *library; /* that source's own name for the part it is in: "TV Shows"; NULL = none */
        char *title;
        char *series;            /* NULL unless an episode */
        int32_t season, episode; /* 0 = unknown */
        int32_t year;            /* 0 = unknown */
        char *rating;            /* "PG-13"; NULL = unknown */
        char *description;       /* NULL = none */
        char *air_date;          /* "1994-09-22"; NULL = unknown */
        char *studio;            /* NULL = unknown */
        char **genres, **tags;   /* NULL-terminated, never NULL */
        char **collections;      /* the same */
        int64_t hint_ms;         /* what its source says of the length, 0 = nothing; for people, never planned with */
        int64_t duration_ms;     /* measured: where the last picture (or sound) really ends */
        int32_t width, height;   /* 0 without pictures */
        RvRational rate;         /* 0/1 without pictures */
        bool has_video, has_audio;
        char *video_codec, *audio_codec; /* NULL = none */
        bool surveyed;                   /* all of it was decoded once; else what follows waits for that */
        bool has_loudness;
        int32_t loudness_millibel; /* 1/100 LUFS */
        int32_t gain_millibel;     /* to the house's loudness; 0 = unmeasured, or it has no sound */
        int64_t *chapter_ms;       /* starts, rising, strictly inside (0, duration) */
        uint32_t n_chapters;
        int64_t *quiet_ms; /* points that are black and silent, in the same way */
        uint32_t n_quiet;
        int64_t added_utc_ms;
} Asset;

/* All assets, sorted by id; immutable, shared. */
typedef struct {
        Asset **assets;
        uint32_t n_assets;
        int64_t revision;              /* rises with every change */
        GPtrArray *reading;            /* private: all of them in reading order */
        GHashTable *series;            /* private: folded name -> GPtrArray of Asset */
        GPtrArray *kinds[ASSET_KINDS]; /* private: of Asset */
        gatomicrefcount refs;          /* private */
} CatalogSnapshot;

CatalogSnapshot *catalog_snapshot_ref(CatalogSnapshot *snapshot);
void catalog_snapshot_unref(CatalogSnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CatalogSnapshot, catalog_snapshot_unref)
const Asset *catalog_snapshot_find(const CatalogSnapshot *snapshot, const char *asset_id);
/* All, those of a series, whatever its case (a few besides may be among them), and those of a kind: Asset, in reading
 * order, borrowed. */
const GPtrArray *catalog_snapshot_all(const CatalogSnapshot *snapshot);
const GPtrArray *catalog_snapshot_series(const CatalogSnapshot *snapshot, const char *series);
const GPtrArray *catalog_snapshot_kind(const CatalogSnapshot *snapshot, AssetKind kind);
bool catalog_same_name(const char *a, const char *b); /* without regard to case */
/* What a person means by an id or a title: the asset of that id, else all films and episodes of that title, else all
 * that is called so; eligible or not, in reading order (const Asset *, borrowed). g_ptr_array_unref it. */
GPtrArray *catalog_snapshot_named(const CatalogSnapshot *snapshot, const char *name);
/* Tests and generators: a snapshot of assets made by hand; takes them. */
CatalogSnapshot *catalog_snapshot_new(Asset **take_assets, uint32_t n_assets, int64_t revision);
Asset *asset_new(void);
void asset_free(Asset *asset);

/* Reading order: by series (those of none first), season, episode, title and id. */
int asset_compare(const Asset *a, const Asset *b);

/* The one gate of planning (LAW-ELIGIBILITY): ready, approved, not retired or missing, duration > 0. */
bool asset_eligible(const Asset *asset);
/* A film or an episode. */
bool asset_is_programme(const Asset *asset);

/* What people and programs are shown of an asset; json_decref it. */
json_t *asset_json(const Asset *asset);

/* What the store knows now, outside of a transaction. NULL and GError on failure. */
CatalogSnapshot *catalog_load(Store *store, GError **error);

/* --- finding and deciding ---------------------------------------------------------------------------------------- */

/* The assets (borrowed from the snapshot) in which every one of words (NULL-terminated) occurs: in title, series,
 * library, studio, path, kind, state, genres, tags or collections; in any case. By series, season, episode, title. */
GPtrArray *catalog_search(const CatalogSnapshot *snapshot, const char *const *words);

/* The id of the asset that word names: its id or at least its first 8 digits, its path or one of its aliases.
 * RV_ERROR_NOT_FOUND: none; RV_ERROR_INVALID: several. g_free it. */
char *catalog_resolve(Store *store, const char *word, GError **error);
/* Its other names, sorted; NULL on failure. g_strfreev it. */
char **catalog_aliases(Store *store, const char *asset_id, GError **error);

typedef enum {
        CATALOG_DONE = 0,
        CATALOG_ALREADY, /* it was so before */
        CATALOG_WAITS,   /* approved: it is measured by the next scan, and may be planned then */
        CATALOG_UNFIT,   /* not approved: it was refused, for its reason */
} CatalogVerdict;

/* An operator's decisions, in force with the next snapshot. Retired: not planned and not looked at by scans, until it
 * is approved again. What was measured is kept. False: the database failed. */
bool catalog_approve(Store *store, const char *asset_id, CatalogVerdict *ret_verdict, GError **error);
bool catalog_retire(Store *store, const char *asset_id, CatalogVerdict *ret_verdict, GError **error);

/* --- importing --------------------------------------------------------------------------------------------------- */

typedef enum { CATALOG_PLEX = 1, CATALOG_JELLYFIN } CatalogSourceKind;
const char *catalog_source_kind_name(CatalogSourceKind kind);      /* "plex", "jellyfin" */
CatalogSourceKind catalog_source_kind_from_name(const char *name); /* 0: no such kind */

typedef struct {
        CatalogSourceKind kind;
        const char *path;            /* of the other program's database */
        const char *const *maps;     /* "FROM=TO": what it calls FROM is TO here; NULL-terminated; NULL = none */
        const char *const *sections; /* names of its libraries; NULL or empty = all */
        RvClock *clock;
        const atomic_bool *stop; /* may be NULL */
} CatalogImportOptions;

typedef struct {
        uint32_t found;                     /* files that the source names and that can be assets */
        uint32_t added, changed, unchanged; /* assets */
        uint32_t missing;                   /* those of them whose file is not there */
        uint32_t vanished;                  /* assets that the source no longer has */
        uint32_t skipped;                   /* files that cannot be assets */
        char **notes;                       /* why they were skipped or are missing: sentences; never NULL */
} CatalogImportReport;

void catalog_import_report_clear(CatalogImportReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CatalogImportReport, catalog_import_report_clear)

/*
 * Reads another program's library into the catalog, in one transaction: all of it or nothing. What is new waits to be
 * measured by the next scan, and is new until then; of what is known the editorial data are renewed, and the measured
 * stay. Assets whose file is not there, and those that the source no longer has, are missing, with the reason.
 * RV_ERROR_INVALID: not such a database, or one that is damaged; RV_ERROR_UNAVAILABLE: try again later.
 */
bool catalog_import(Store *store, const CatalogImportOptions *options, CatalogImportReport *ret_report, GError **error);

/* --- measuring --------------------------------------------------------------------------------------------------- */

typedef struct {
        uint32_t to_do; /* files that wait */
        uint32_t done;  /* files of this run, good or not */
        uint32_t refused;
        bool paused, over;
        char fault[256]; /* over, but not all of it: why, a sentence; else "" */
} CatalogMeasureProgress;

typedef struct {
        const char *store_path;
        int threads;
        RvClock *clock;
        GMainContext *context; /* where on_progress runs; NULL = default */
        void (*on_progress)(void *user, const CatalogMeasureProgress *progress); /* after each file, and at the end */
        void *user;
} CatalogMeasureOptions;

typedef struct CatalogMeasure CatalogMeasure;

/*
 * Decodes, in the background and in whatever time nobody else wants, each ready file that never was: its loudness and
 * from it its gain, points that are black and silent, where it really ends. What cannot be decoded is refused until the
 * file is another. Each result is stored at once, so a run that was ended goes on where it was; the revision rises at
 * the end and each minute at most. Several at once, of one program or of more, do some files twice, no more.
 */
CatalogMeasure *catalog_measure_start(const CatalogMeasureOptions *options, GError **error);
CatalogMeasureProgress catalog_measure_progress(CatalogMeasure *measure); /* any thread */
/* How many of its threads may work; the others rest where they are. 0: all rest. Any thread. */
void catalog_measure_limit(CatalogMeasure *measure, int threads);
/* Stops within moments, in the middle of a file, and frees. On the context's thread, not from within a callback. */
void catalog_measure_free(CatalogMeasure *measure);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CatalogMeasure, catalog_measure_free)

/* --- scanning ---------------------------------------------------------------------------------------------------- */

typedef struct {
        uint32_t found, measured, refused, missing, unchanged; /* files so far */
        uint32_t to_measure;                                   /* files that wait */
        bool done;
        char fault[256]; /* done, but not all of it: why, a sentence (the database could not be written); else "" */
} CatalogProgress;

typedef struct {
        const char *store_path;
        const char *const *folders;         /* absolute, NULL-terminated */
        const ConfigSource *const *sources; /* imported first; NULL-terminated, NULL = none; they outlive the scan */
        bool whole_library;                 /* the folders are all there is: assets elsewhere become missing, too */
        int threads;
        RvClock *clock;
        GMainContext *context; /* where callbacks run; NULL = default */
        void (*on_progress)(void *user,
                            const CatalogProgress *progress); /* at most some ten a second, and at the end */
        void (*on_changed)(void *user); /* assets became ready or went: load a new snapshot; batched */
        void *user;
} CatalogScanOptions;

typedef struct CatalogScan CatalogScan;

/*
 * Walks the folders and measures what is new or changed (size, mtime), in the background. Every media file gets its
 * asset: ready and approved (who named the folder approved of it), or refused with a reason. Files that are gone become
 * missing, and what they were when they are back; folders that cannot be read in between are left as they were. A
 * folder that does not exist or cannot be read at the start is a GError that names it; nothing is changed then. A
 * source that cannot be read is told as the progress' fault; what it said before stands, and the scan goes on.
 */
CatalogScan *catalog_scan_start(const CatalogScanOptions *options, GError **error);
CatalogProgress catalog_scan_progress(CatalogScan *scan);
/* Stops within moments, in the middle of a file, and frees; what was measured is kept. On the context's thread, but not
 * from within a callback. */
void catalog_scan_free(CatalogScan *scan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CatalogScan, catalog_scan_free)
