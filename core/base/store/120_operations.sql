-- Everything that happens to blocks, of all channels, numbered in the order of its recording: what tools subscribe to. The
-- number is given in the transaction that records the evidence (asrun_event), so none is told that is not kept, and numbers
-- become visible in their order. Kinds are those of proto/operations.proto.
CREATE TABLE operations_event (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
        kind INTEGER NOT NULL,
        session_id TEXT NOT NULL,
        event_sequence INTEGER NOT NULL             -- with session_id: the row of asrun_event
) STRICT;

-- asrun_event.kind 0 is told in no list. The last 200,000 are kept.
CREATE TRIGGER operations_event_told AFTER INSERT ON asrun_event WHEN NEW.kind > 1
BEGIN
        INSERT INTO operations_event (kind, session_id, event_sequence)
                SELECT 2, NEW.session_id, NEW.sequence WHERE NOT EXISTS
                (SELECT 1 FROM asrun_event WHERE session_id = NEW.session_id AND sequence <> NEW.sequence AND kind > 1);
        INSERT INTO operations_event (kind, session_id, event_sequence)
                SELECT 7, NEW.session_id, NEW.sequence WHERE NEW.kind = 4 AND NEW.status BETWEEN 3 AND 6
                OR NEW.kind = 6 AND coalesce(NEW.reason, '') <> 'stop_requested';
        INSERT INTO operations_event (kind, session_id, event_sequence)
                VALUES (CASE NEW.kind WHEN 2 THEN 3 WHEN 3 THEN 4 WHEN 4 THEN 5 WHEN 5 THEN 6 ELSE 8 END,
                        NEW.session_id, NEW.sequence);
        DELETE FROM operations_event WHERE sequence <= (SELECT max(sequence) FROM operations_event) - 200000;
END;
