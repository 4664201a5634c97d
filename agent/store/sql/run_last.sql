SELECT id, status, first_seq, last_seq, error, steps FROM run ORDER BY id DESC LIMIT 1
