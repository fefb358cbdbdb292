-- Which sessions have their end (kind 6 = channel_terminated): asked of each session whenever core starts.
CREATE INDEX asrun_event_session_end ON asrun_event (session_id) WHERE kind = 6;
