-- Pools of the fleet, as an operator has set them.

CREATE TABLE pool (
    name TEXT NOT NULL PRIMARY KEY,
    places INTEGER NOT NULL CHECK (places >= 1),
    lease_ms INTEGER NOT NULL CHECK (lease_ms >= 1000)
) STRICT, WITHOUT ROWID;

-- Who has places or waits for them: what the running hub last knew, for people to look at.
CREATE TABLE pool_holder (
    pool TEXT NOT NULL,
    device TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    granted INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (pool, device)
) STRICT, WITHOUT ROWID;
