UPDATE run SET status = :status, ended_at = :at, error = :error, last_seq = :seq WHERE id = :run
