SELECT ended_ms / 3600000 * 3600000, count(*) FILTER (WHERE status = 'success'),
    count(*) FILTER (WHERE status = 'failure'), count(*) FILTER (WHERE status = 'canceled')
FROM run WHERE run >= :recent AND ended_ms >= :since GROUP BY 1 ORDER BY 1
