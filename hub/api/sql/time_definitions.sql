SELECT h.at_ms, h.hash FROM stream s JOIN definitions_history h ON h.stream_id = s.id
WHERE s.device = :device AND h.at_ms BETWEEN :since AND :until ORDER BY h.at_ms DESC LIMIT :limit
