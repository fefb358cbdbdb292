-- Play history: what filled breaks on each channel. A row is made when its block is locked and updated once, from evidence.
CREATE TABLE play (
        segment_uuid TEXT PRIMARY KEY NOT NULL,
        channel_id TEXT NOT NULL,
        asset_id TEXT NOT NULL,
        start_utc_ms INTEGER NOT NULL,                       -- as planned; actual where no plan is known
        state INTEGER NOT NULL CHECK (state IN (1, 2, 3)),   -- planned, aired, lost (it was its turn, and it did not air)
        noted INTEGER NOT NULL DEFAULT 0                     -- rises with each row that evidence decides; 0 = undecided
) STRICT, WITHOUT ROWID;
CREATE INDEX play_by_time ON play (channel_id, start_utc_ms);
CREATE INDEX play_by_noted ON play (channel_id, noted);
