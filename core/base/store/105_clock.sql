-- By which clocks a channel's days are: as its file last said, for what it aired is recorded whether that can be read or not.
CREATE TABLE channel_clock (
        channel_id TEXT PRIMARY KEY,
        timezone TEXT NOT NULL,             -- IANA
        day_start_minutes INTEGER NOT NULL  -- of the broadcast day, after local midnight
) STRICT;
