-- What reconciliation found, one row a time that it ran by itself, never changed: the newest of a subject is what holds.
CREATE TABLE reconciliation (
        id INTEGER PRIMARY KEY,
        channel_id TEXT NOT NULL,
        scope TEXT NOT NULL CHECK (scope IN ('day', 'session')),
        subject TEXT NOT NULL,                -- broadcast day YYYY-MM-DD, or session id
        made_utc_ms INTEGER NOT NULL,
        reconciled INTEGER NOT NULL CHECK (reconciled IN (0, 1)),
        summary TEXT NOT NULL,                -- "1 MISSING_BLOCK"
        document TEXT NOT NULL                -- the report, as JSON
) STRICT;
CREATE INDEX reconciliation_by_subject ON reconciliation (scope, subject, channel_id, id);
CREATE INDEX reconciliation_by_time ON reconciliation (made_utc_ms);

-- Which sessions have ended: of all events only their last ones (EvidenceKind 6).
CREATE INDEX asrun_event_by_end ON asrun_event (start_utc_ms) WHERE kind = 6;
