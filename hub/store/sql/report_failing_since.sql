-- Of assets that fail: when it began, after they were last made.
SELECT s.device, t.asset, min(coalesce(t.ended_ms, t.started_ms))
FROM step t JOIN stream s ON s.id = t.stream_id JOIN asset_state a ON a.device = s.device AND a.asset = t.asset
WHERE t.status = 'failure' AND a.failed_seq IS NOT NULL
    AND (a.at_ms IS NULL OR coalesce(t.ended_ms, t.started_ms) > a.at_ms)
GROUP BY s.device, t.asset
