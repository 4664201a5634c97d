-- Bundles and their waves.

-- A view: the newest that each device said of each bundle.
CREATE TABLE bundle_state (
    device TEXT NOT NULL,
    bundle TEXT NOT NULL,
    stream_ms INTEGER NOT NULL,            -- as in the other views: which of a device's events is the newest
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    status TEXT NOT NULL,                  -- fetching, applied, healthy, failed, rolled_back, left
    current TEXT,                          -- the one in force then; NULL = the device's own file
    reason TEXT,
    PRIMARY KEY (device, bundle)
) STRICT, WITHOUT ROWID;

-- What people asked for. Bytes of files and manifests are below <state_dir>/bundles.
CREATE TABLE bundle (
    hash TEXT NOT NULL PRIMARY KEY,
    made_ms INTEGER NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    source TEXT NOT NULL                   -- the folder that it was made from
) STRICT, WITHOUT ROWID;

CREATE TABLE deployment (
    id TEXT NOT NULL PRIMARY KEY,
    bundle TEXT NOT NULL REFERENCES bundle (hash),
    targets TEXT NOT NULL,                 -- as written, as the next two
    waves TEXT NOT NULL,
    abort_if TEXT NOT NULL,
    keeps_on_abort INTEGER NOT NULL CHECK (keeps_on_abort IN (0, 1)),
    soak_ms INTEGER NOT NULL,
    patience_ms INTEGER NOT NULL,          -- a device that did not answer for so long is passed over
    made_ms INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'paused', 'aborted', 'done')),
    wave INTEGER NOT NULL DEFAULT 0,       -- that has begun; 0 = none
    settled_ms INTEGER,                    -- since when all of it is judged or passed over
    ended_ms INTEGER,
    reason TEXT                            -- why it was aborted
) STRICT, WITHOUT ROWID;

CREATE TABLE deployment_device (
    deployment TEXT NOT NULL REFERENCES deployment (id),
    device TEXT NOT NULL,
    wave INTEGER NOT NULL CHECK (wave >= 1),
    asked_ms INTEGER,                      -- NULL = not yet
    is_taken_back INTEGER NOT NULL DEFAULT 0 CHECK (is_taken_back IN (0, 1)),
    is_superseded INTEGER NOT NULL DEFAULT 0 CHECK (is_superseded IN (0, 1)), -- a later deployment has it
    bundle_before TEXT,                    -- its target when it was asked; NULL = none
    epoch_before TEXT,                     -- what it had last said of the bundle when it was asked
    seq_before INTEGER,
    PRIMARY KEY (deployment, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX deployment_device_by_device ON deployment_device (device);

-- Which bundle each device should have: desired state tells it. '' = its own file. No row: the hub has no wish.
CREATE TABLE deploy_target (
    device TEXT NOT NULL PRIMARY KEY,
    bundle TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER deploy_target_added AFTER INSERT ON deploy_target BEGIN UPDATE desired_change SET n = n + 1; END;
CREATE TRIGGER deploy_target_changed AFTER UPDATE ON deploy_target BEGIN UPDATE desired_change SET n = n + 1; END;
CREATE TRIGGER deploy_target_removed AFTER DELETE ON deploy_target BEGIN UPDATE desired_change SET n = n + 1; END;
