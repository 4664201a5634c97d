-- Runs by slices of 24 hours back from :until; 0 is the newest.
SELECT (:until - 1 - ended_ms) / 86400000 AS slice, status, count(*) FROM run
WHERE ended_ms >= :from AND ended_ms < :until GROUP BY slice, status
