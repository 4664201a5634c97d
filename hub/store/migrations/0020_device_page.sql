-- What a device's page shows over time.

-- When a device came and went: the newest 500 of each device.
CREATE TABLE device_presence (
    device TEXT NOT NULL,
    at_ms INTEGER NOT NULL,                -- by the hub's clock
    is_online INTEGER NOT NULL CHECK (is_online IN (0, 1)),
    reason TEXT,                           -- why it went
    PRIMARY KEY (device, at_ms)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER device_presence_begun AFTER INSERT ON connection
BEGIN
    INSERT OR REPLACE INTO device_presence (device, at_ms, is_online, reason)
    VALUES (new.device, new.since_ms, new.is_online, new.offline_reason);
END;
CREATE TRIGGER device_presence_changed AFTER UPDATE OF is_online ON connection WHEN new.is_online <> old.is_online
BEGIN
    INSERT OR REPLACE INTO device_presence (device, at_ms, is_online, reason)
    VALUES (new.device, new.since_ms, new.is_online, new.offline_reason);
END;
CREATE TRIGGER device_presence_is_bounded AFTER INSERT ON device_presence
BEGIN
    DELETE FROM device_presence WHERE device = new.device AND at_ms <= (
        SELECT at_ms FROM device_presence WHERE device = new.device ORDER BY at_ms DESC LIMIT 1 OFFSET 500);
END;
INSERT INTO device_presence (device, at_ms, is_online, reason)
    SELECT device, since_ms, is_online, offline_reason FROM connection;

-- What was wanted of devices: the newest four revisions of each, and the one that it has in force. To tell what differs.
CREATE TABLE desired_revision (
    device TEXT NOT NULL,
    revision INTEGER NOT NULL,
    hash TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (device, revision)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER desired_revision_begun AFTER INSERT ON desired_device
BEGIN
    INSERT OR REPLACE INTO desired_revision (device, revision, hash, body) VALUES (new.device, new.revision, new.hash, new.body);
END;
CREATE TRIGGER desired_revision_issued AFTER UPDATE OF revision ON desired_device WHEN new.revision <> old.revision
BEGIN
    INSERT OR REPLACE INTO desired_revision (device, revision, hash, body) VALUES (new.device, new.revision, new.hash, new.body);
END;
CREATE TRIGGER desired_revision_is_bounded AFTER INSERT ON desired_revision
BEGIN
    DELETE FROM desired_revision WHERE device = new.device
        AND revision <= (SELECT revision FROM desired_revision WHERE device = new.device ORDER BY revision DESC LIMIT 1 OFFSET 4)
        AND revision <> coalesce((SELECT t.applied FROM device_desired t WHERE t.device = new.device), 0);
END;
INSERT INTO desired_revision (device, revision, hash, body) SELECT device, revision, hash, body FROM desired_device;

-- What devices measured over time, and what was asked of one device, and was wrong with it.
CREATE INDEX event_health ON event (stream_id, at_ms) WHERE type = 'device_health';
CREATE INDEX command_device_of ON command_device (device, command);
CREATE INDEX alert_of_subject ON alert (subject, opened_ms);
