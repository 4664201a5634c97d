INSERT INTO alert (kind, is_group, subject, opened_ms, told_ms, devices, troubles, detail)
VALUES (:kind, :is_group, :subject, :now, :told, :devices, :troubles, :detail)
