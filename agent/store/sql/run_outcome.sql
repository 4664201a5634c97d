SELECT status, error, error_code FROM run WHERE id = :run
