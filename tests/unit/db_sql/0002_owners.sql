CREATE TABLE owner (
    id INTEGER PRIMARY KEY,
    thing INTEGER NOT NULL REFERENCES thing (id)
) STRICT;
INSERT INTO thing (id, name) VALUES (1, 'first; with "quotes"');
