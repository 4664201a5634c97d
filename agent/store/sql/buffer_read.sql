SELECT epoch, last_seq, acked_seq, waiting_bytes, history_bytes, dropped, renumbered FROM buffer WHERE id = 1
