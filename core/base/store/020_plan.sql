-- What is planned. A day's document and a block's document are JSON; the columns are what is searched by.

CREATE TABLE schedule_day (
    channel_id   TEXT NOT NULL,
    day          TEXT NOT NULL,    -- local broadcast day, YYYY-MM-DD
    start_utc_ms INTEGER NOT NULL, -- of the first programme
    end_utc_ms   INTEGER NOT NULL, -- of the last one; may lie beyond the day's end
    sha256       TEXT NOT NULL,    -- of the canonical document
    document     TEXT NOT NULL,    -- schema version, channel, day, timezone, source hash, catalog revision, programmes
    state_before TEXT NOT NULL,    -- rotation state that the day was compiled from
    state_after  TEXT NOT NULL,    -- and that the next day is compiled from
    PRIMARY KEY (channel_id, day)
) STRICT;

-- One row a channel-day that blocks were locked for; sealed when its last block is locked and its files are written.
CREATE TABLE transmission_log (
    log_id         TEXT NOT NULL PRIMARY KEY,
    channel_id     TEXT NOT NULL,
    day            TEXT NOT NULL,
    created_utc_ms INTEGER NOT NULL,
    sealed_utc_ms  INTEGER,
    UNIQUE (channel_id, day)
) STRICT;

-- Locked blocks: inserted once, never updated.
CREATE TABLE transmission_block (
    block_id      TEXT NOT NULL,
    channel_id    TEXT NOT NULL,
    log_id        TEXT NOT NULL REFERENCES transmission_log (log_id),
    start_utc_ms  INTEGER NOT NULL,
    end_utc_ms    INTEGER NOT NULL,
    sha256        TEXT NOT NULL, -- block_plan_sha256
    document      TEXT NOT NULL, -- the block with its segments
    locked_utc_ms INTEGER NOT NULL,
    PRIMARY KEY (channel_id, start_utc_ms),
    UNIQUE (channel_id, block_id)
) STRICT;

CREATE INDEX transmission_block_by_log ON transmission_block (log_id, start_utc_ms);
