UPDATE run SET status = :status, ended_at = :at, error = :error, error_code = :error_code, last_seq = :seq
WHERE id = :run
