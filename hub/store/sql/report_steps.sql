-- Attempts of each asset in runs that ended in [:since, :until): steps, attempts, steps that failed for good, those that went well.
SELECT coalesce(t.asset, t.step) AS asset, count(*), CAST(sum(CAST(t.attempt AS REAL)) AS INTEGER),
    sum(t.status = 'failure'), sum(t.status = 'success')
FROM run r JOIN step t ON t.stream_id = r.stream_id AND t.run = r.run
WHERE r.ended_ms >= :since AND r.ended_ms < :until AND t.attempt > 0
GROUP BY 1 ORDER BY 1
