SELECT id, status, first_seq, last_seq, error, steps FROM run WHERE id >= :prefix AND id < :prefix || 'g' ORDER BY id LIMIT 2
