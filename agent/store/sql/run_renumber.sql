UPDATE run SET first_seq = max(first_seq - :by, 1),
    last_seq = last_seq - :by - CASE WHEN last_seq > :by THEN 0 ELSE 1 END
