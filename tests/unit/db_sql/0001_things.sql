-- The text that a migration leaves behind must be the text of the file: "quotes", back\slashes, [brackets];
CREATE TABLE thing (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    weight REAL,
    picture BLOB,
    CHECK (name <> 'bad\name')
) STRICT;
