-- Reports that go out by a schedule, and those that somebody asked for now: what is to be delivered, and what came of it.

CREATE TABLE report_delivery (
    report TEXT NOT NULL,                  -- its name in hub.yaml
    cause TEXT NOT NULL CHECK (cause IN ('schedule', 'asked')),
    schedule TEXT NOT NULL,                -- cron and time zone that the times below are of; '' when it was asked for
    settled_ms INTEGER NOT NULL,           -- the newest nominal time that is done with: delivered, given up, passed over
    due_ms INTEGER,                        -- the nominal time that is to be delivered; NULL = none
    since_ms INTEGER,                      -- when the hub first saw that it is
    attempts INTEGER NOT NULL DEFAULT 0,   -- for that time, counted before each
    next_ms INTEGER NOT NULL DEFAULT 0,    -- not tried again before
    delivered_ms INTEGER,                  -- when it last was, and the nominal time of that
    delivered_for_ms INTEGER,
    failed_ms INTEGER,                     -- when it last was not, and why; gone once it was delivered
    error TEXT,
    PRIMARY KEY (report, cause)
) STRICT, WITHOUT ROWID;
