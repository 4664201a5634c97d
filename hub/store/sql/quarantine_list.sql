SELECT id, device, epoch, first_seq, last_seq, differs_seq, at_ms, times, length(payload)
FROM quarantine WHERE :device IS NULL OR device = :device ORDER BY id DESC LIMIT :limit
