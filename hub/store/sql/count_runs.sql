-- Reads all of run: the index of ends has no order that both halves of the question could use.
SELECT status, count(*) FROM run WHERE ended_ms IS NULL OR ended_ms >= :since GROUP BY status
