-- Batches that contradict the log, newest first; at most 256 are kept.
SELECT id, device, epoch, first_seq, last_seq, differs_seq, at_ms, times, length(payload) FROM quarantine
WHERE id < :before AND (:device IS NULL OR device = :device) ORDER BY id DESC LIMIT :limit
