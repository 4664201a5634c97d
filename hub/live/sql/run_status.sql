SELECT r.status FROM run r JOIN stream s ON s.id = r.stream_id WHERE r.run = :run AND s.device = :device
