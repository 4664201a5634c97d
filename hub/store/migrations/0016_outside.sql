-- What programs beside the devices told of assets and is not in the log yet: a stream of the device "hub".
-- Its numbers have no gap: AUTOINCREMENT goes on after rows are gone, and takes a number back with its row.
CREATE TABLE outside_report (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL                     -- the event, without its seq
) STRICT;
CREATE TABLE outside_stream (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL CHECK (length(epoch) = 16)
) STRICT;
INSERT INTO outside_stream VALUES (1, lower(hex(randomblob(8))));
