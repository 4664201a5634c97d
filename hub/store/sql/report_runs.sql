-- Reads all of run: sums over a time, made by a child.
-- Runs of each device by status: that ended in [:since, :until) or have not ended; that ended from :before to :since.
SELECT s.device, r.status, sum(r.ended_ms IS NULL OR r.ended_ms >= :since), coalesce(sum(r.ended_ms < :since), 0)
FROM run r JOIN stream s ON s.id = r.stream_id
WHERE r.ended_ms IS NULL OR (r.ended_ms >= :before AND r.ended_ms < :until)
GROUP BY s.device, r.status ORDER BY s.device
