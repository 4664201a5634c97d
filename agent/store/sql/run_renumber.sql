UPDATE run SET first_seq = max(first_seq - :by, 1), last_seq = max(last_seq - :by, 0)
