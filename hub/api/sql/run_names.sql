SELECT r.run, s.device, r.status, r.job FROM run r JOIN stream s ON s.id = r.stream_id
WHERE r.run BETWEEN :q AND :q || char(1114111) ORDER BY r.run DESC LIMIT :limit
