-- What the catalog knows: one row a media file, measured once; its points, its other names, its revision.
CREATE TABLE asset (
        id TEXT PRIMARY KEY NOT NULL,               -- UUID, v5 of source and key
        canonical_key TEXT NOT NULL UNIQUE CHECK (length(canonical_key) = 64),
        source TEXT NOT NULL,                       -- who brought it: folder
        uri TEXT NOT NULL UNIQUE,                   -- absolute path
        size INTEGER NOT NULL CHECK (size >= 0),    -- bytes; with mtime_ns: has the file changed
        mtime_ns INTEGER NOT NULL,
        present INTEGER NOT NULL DEFAULT 1 CHECK (present IN (0, 1)), -- seen by the last scan of its folder
        state INTEGER NOT NULL CHECK (state IN (1, 2, 3, 5)),         -- new, ready, refused, retired
        approved INTEGER NOT NULL DEFAULT 0 CHECK (approved IN (0, 1)),
        reason TEXT,
        stamp TEXT NOT NULL,                        -- of what the editorial columns were made from
        kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 10),
        title TEXT NOT NULL,
        series TEXT,
        season INTEGER NOT NULL DEFAULT 0,
        episode INTEGER NOT NULL DEFAULT 0,
        year INTEGER NOT NULL DEFAULT 0,
        rating TEXT,
        description TEXT,
        air_date TEXT,
        genres TEXT NOT NULL DEFAULT '',            -- one a line
        tags TEXT NOT NULL DEFAULT '',              -- one a line
        duration_ms INTEGER NOT NULL DEFAULT 0 CHECK (duration_ms >= 0),
        width INTEGER NOT NULL DEFAULT 0,
        height INTEGER NOT NULL DEFAULT 0,
        rate_num INTEGER NOT NULL DEFAULT 0,
        rate_den INTEGER NOT NULL DEFAULT 1,
        has_video INTEGER NOT NULL DEFAULT 0,
        has_audio INTEGER NOT NULL DEFAULT 0,
        video_codec TEXT,
        audio_codec TEXT,
        gain_millibel INTEGER NOT NULL DEFAULT 0,
        added_utc_ms INTEGER NOT NULL,
        CHECK (state <> 2 OR duration_ms > 0),      -- ready means measured
        CHECK (approved = 0 OR state = 2)           -- approved implies ready
) STRICT, WITHOUT ROWID;

CREATE TABLE asset_marker (
        asset_id TEXT NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('chapter')),
        at_ms INTEGER NOT NULL CHECK (at_ms > 0),
        PRIMARY KEY (asset_id, kind, at_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE asset_alias (
        alias TEXT PRIMARY KEY NOT NULL,
        asset_id TEXT NOT NULL REFERENCES asset (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_alias_asset ON asset_alias (asset_id);

CREATE TABLE catalog_revision (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        revision INTEGER NOT NULL
) STRICT;
INSERT INTO catalog_revision (only, revision) VALUES (1, 0);
