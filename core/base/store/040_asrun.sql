-- What engines told us, one row an event, never changed: the as-run record. Rows with a negative sequence are ours: what core
-- had to say for an engine that died without saying it.
CREATE TABLE asrun_event (
        session_id TEXT NOT NULL,
        sequence INTEGER NOT NULL CHECK (sequence <> 0),
        event_uuid TEXT NOT NULL UNIQUE,
        channel_id TEXT NOT NULL,
        broadcast_day TEXT NOT NULL,          -- the channel's, YYYY-MM-DD
        kind INTEGER NOT NULL,                -- EvidenceKind; 0 = an end told after core had told it: held, in no list
        block_id TEXT,
        event_id TEXT,
        segment_uuid TEXT,
        segment_index INTEGER NOT NULL,
        type INTEGER NOT NULL,                -- SegmentType; 0 = none
        status INTEGER NOT NULL,              -- SegmentStatus; 0 = none
        asset_uuid TEXT,
        title TEXT,
        asset_uri TEXT,
        reason TEXT,
        start_utc_ms INTEGER NOT NULL,        -- when what the event is about began; for a point in time: that
        end_utc_ms INTEGER NOT NULL,          -- 0 = not over
        emitted_utc_ms INTEGER NOT NULL,
        document TEXT NOT NULL,               -- every field, as JSON: the line of the .jsonl file
        PRIMARY KEY (session_id, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX asrun_event_by_time ON asrun_event (channel_id, start_utc_ms);
CREATE INDEX asrun_event_by_segment ON asrun_event (segment_uuid) WHERE segment_uuid IS NOT NULL;

-- How much of each as-run file belongs to committed events: what lies beyond was written by a commit that did not happen.
CREATE TABLE asrun_file (
        path TEXT PRIMARY KEY,
        size INTEGER NOT NULL CHECK (size >= 0)
) STRICT;
