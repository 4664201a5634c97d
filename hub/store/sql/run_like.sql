SELECT s.device, r.run FROM run r JOIN stream s ON s.id = r.stream_id
WHERE r.run BETWEEN :prefix AND :prefix || char(1114111) AND (:device IS NULL OR s.device = :device)
ORDER BY r.run DESC, s.device LIMIT :limit
