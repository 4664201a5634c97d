INSERT INTO buffer (id, epoch, last_seq, acked_seq, waiting_bytes, history_bytes, dropped)
VALUES (1, :epoch, 0, 0, 0, 0, 0)
