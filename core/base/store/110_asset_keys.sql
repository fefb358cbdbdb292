-- Where decoding of a file can begin: a part of its survey, and of the file that this is of.
CREATE TABLE asset_keys (
        asset_id TEXT PRIMARY KEY NOT NULL REFERENCES asset_survey (asset_id) ON DELETE CASCADE,
        times BLOB NOT NULL -- ms from one to the next, seven bits a byte, low ones first (core/plan/catalog/keys)
) STRICT, WITHOUT ROWID;
