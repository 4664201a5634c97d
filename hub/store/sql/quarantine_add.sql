INSERT INTO quarantine (device, epoch, first_seq, last_seq, differs_seq, at_ms, payload)
VALUES (:device, :epoch, :first, :last, :differs, :at, :payload)
ON CONFLICT (device, epoch, first_seq, last_seq) DO UPDATE SET times = times + 1, at_ms = excluded.at_ms
