-- Media and discontinuity sequence of each channel's playlist: the first numbers that no run of core has used.
CREATE TABLE channel_sequence (
        channel_id TEXT PRIMARY KEY,
        next_sequence INTEGER NOT NULL CHECK (next_sequence >= 0),
        next_discontinuity INTEGER NOT NULL CHECK (next_discontinuity >= 0)
) STRICT;
