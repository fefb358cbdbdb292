-- Assets of other programs' libraries (Plex, Jellyfin): who says what they are, and under which of its libraries.
ALTER TABLE asset ADD COLUMN library TEXT;                            -- as its source calls it: "TV Shows"
ALTER TABLE asset ADD COLUMN studio TEXT;
ALTER TABLE asset ADD COLUMN collections TEXT NOT NULL DEFAULT '';    -- one a line
ALTER TABLE asset ADD COLUMN origin TEXT;                             -- the library that describes it; NULL: its folder
ALTER TABLE asset ADD COLUMN hint_ms INTEGER NOT NULL DEFAULT 0;      -- what its source says of its length
CREATE INDEX asset_origin ON asset (origin) WHERE origin IS NOT NULL;
