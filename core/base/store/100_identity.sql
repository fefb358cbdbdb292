-- Which database this is, for ever, copies included: what other programs know this station by is made of it.
CREATE TABLE store_identity (
        identity INTEGER NOT NULL CHECK (identity BETWEEN 0 AND 4294967295)
) STRICT;
INSERT INTO store_identity VALUES (abs(random() % 4294967296));
