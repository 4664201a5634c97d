SELECT max(t.attempt) FROM step t JOIN stream s ON s.id = t.stream_id WHERE s.device = :device AND t.run = :run AND t.step = :step
