-- Changes of the plan that an operator asked for. A row is there before anything is changed by it, and stays.
CREATE TABLE plan_override (
        override_id INTEGER PRIMARY KEY,
        channel_id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('replace', 'insert', 'skip')),
        at_utc_ms INTEGER NOT NULL,
        asset_id TEXT,                               -- NULL for skip
        state TEXT NOT NULL CHECK (state IN ('asked', 'in_force', 'cancelling', 'cancelled', 'refused')),
        asked_utc_ms INTEGER NOT NULL,
        decided_utc_ms INTEGER,                      -- when it came to that state
        detail TEXT,                                 -- why it was refused, or why it could not be cancelled
        start_utc_ms INTEGER,                        -- of what it changed
        end_utc_ms INTEGER,
        was TEXT,                                    -- the programmes that were planned there, JSON
        becomes TEXT,                                -- and those in their place
        CHECK (state NOT IN ('in_force', 'cancelling') OR becomes IS NOT NULL)
) STRICT;
CREATE INDEX plan_override_by_channel ON plan_override (channel_id, state);

-- A log that an override replaced has another id from then on; the files of the one before stay.
ALTER TABLE transmission_log ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
