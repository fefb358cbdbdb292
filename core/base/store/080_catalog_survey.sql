-- What listening to and looking at all of a file found: one row a file as it was then; of another size or time it says nothing.
CREATE TABLE asset_survey (
        asset_id TEXT PRIMARY KEY NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        rules INTEGER NOT NULL,                     -- rises when the same file is measured differently
        end_ms INTEGER NOT NULL CHECK (end_ms >= 0), -- where what can be decoded ends; 0 = as the asset says
        loudness_millibel INTEGER,                  -- EBU R128, integrated, 1/100 LUFS; NULL = no sound to speak of
        gain_millibel INTEGER NOT NULL,             -- to the house's loudness
        fault TEXT                                  -- why it is kept off the air, a sentence; NULL = it is good
) STRICT, WITHOUT ROWID;

-- SHA-256 of its size and of some of its bytes: what a file is known by when it has moved.
ALTER TABLE asset ADD COLUMN fingerprint TEXT;
CREATE INDEX asset_size ON asset (size);

-- Points that were measured besides those that the container names.
CREATE TABLE marker (
        asset_id TEXT NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('chapter', 'quiet')), -- quiet: black and silent at once
        at_ms INTEGER NOT NULL CHECK (at_ms > 0),
        PRIMARY KEY (asset_id, kind, at_ms)
) STRICT, WITHOUT ROWID;
INSERT INTO marker (asset_id, kind, at_ms) SELECT asset_id, kind, at_ms FROM asset_marker;
DROP TABLE asset_marker;
ALTER TABLE marker RENAME TO asset_marker;

-- Surveys that no revision speaks of yet: many come, and each revision makes plans anew.
ALTER TABLE catalog_revision ADD COLUMN unpublished INTEGER NOT NULL DEFAULT 0;
