-- Wrong secrets that were tried on a token, and until when further ones are not looked at.
ALTER TABLE enrol_token ADD COLUMN wrong INTEGER NOT NULL DEFAULT 0 CHECK (wrong >= 0);
ALTER TABLE enrol_token ADD COLUMN closed_until_ms INTEGER NOT NULL DEFAULT 0;

-- The files of a bundle that nobody needs any more are deleted; its row stays, since deployments name it.
ALTER TABLE bundle ADD COLUMN deleted_ms INTEGER;

-- While it is paused nothing more begins in a pool.
ALTER TABLE pool ADD COLUMN is_paused INTEGER NOT NULL DEFAULT 0 CHECK (is_paused IN (0, 1));

-- As which version of the program derives them the views are: HUB_STORE_VIEWS_VERSION. 0: as an earlier one did, that had no
-- such table; -1: there was no event then. `selvedge-hub serve` derives them anew when it is not its own.
CREATE TABLE derived (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO derived (id, version) SELECT 1, CASE WHEN EXISTS (SELECT 1 FROM event) THEN 0 ELSE -1 END;
