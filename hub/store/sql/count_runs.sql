SELECT status, count(*) FROM run WHERE ended_ms IS NULL OR ended_ms >= :since GROUP BY status
