-- What came of each attempt to deliver a report, newest last; the last 200 of each report are kept.
CREATE TABLE report_attempt (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    report TEXT NOT NULL,                  -- its name in hub.yaml
    cause TEXT NOT NULL CHECK (cause IN ('schedule', 'asked')),
    due_ms INTEGER NOT NULL,               -- the nominal time that was to be delivered
    attempt INTEGER NOT NULL,              -- the first is 1
    at_ms INTEGER NOT NULL,                -- when it was over
    result TEXT NOT NULL CHECK (result IN ('delivered', 'failed', 'given up')),
    error TEXT                             -- why not
) STRICT;
CREATE INDEX report_attempt_of_report ON report_attempt (report, id);
