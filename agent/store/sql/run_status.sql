UPDATE run SET status = :status, last_seq = :seq WHERE id = :run
