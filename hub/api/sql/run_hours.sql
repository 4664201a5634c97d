-- From the index alone, and in its order: hours are told apart by who reads.
SELECT ended_ms, status FROM run WHERE ended_ms >= :since AND ended_ms < :until ORDER BY ended_ms
