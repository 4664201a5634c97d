SELECT t.attempt, t.status, (SELECT c.is_online FROM connection c WHERE c.device = :device)
FROM step t JOIN stream s ON s.id = t.stream_id WHERE s.device = :device AND t.run = :run AND t.step = :step
ORDER BY t.attempt DESC LIMIT 1
