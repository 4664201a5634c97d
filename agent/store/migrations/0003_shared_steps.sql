-- Steps that make several assets: `asset` of such a step is empty, and these are those that the run makes by it.
CREATE TABLE step_asset (
    run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    asset TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'made', 'held')), -- held: a blocking check of it did not pass
    PRIMARY KEY (run, step, asset)
) STRICT, WITHOUT ROWID;
