-- What an operator calls devices by. Told by the operator, or by the token that a device joined with.

CREATE TABLE device_label (
    device TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (device, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_label_by_value ON device_label (key, value);
