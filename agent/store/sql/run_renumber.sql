-- A last_seq that is gone goes to 0 or below: it still says which run ended first.
UPDATE run SET first_seq = max(first_seq - :by, 1), last_seq = last_seq - :by
