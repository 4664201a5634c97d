UPDATE run SET status = 'started', started_at = :at, last_seq = :seq WHERE id = :run
