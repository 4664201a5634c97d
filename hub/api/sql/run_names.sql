SELECT r.run, s.device, r.status, r.job FROM run r JOIN stream s ON s.id = r.stream_id
WHERE r.run >= :q AND substr(r.run, 1, length(:q)) = :q ORDER BY r.run DESC LIMIT :limit
