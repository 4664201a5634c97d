UPDATE buffer SET last_seq = :last_seq, acked_seq = :acked_seq, waiting_bytes = :waiting_bytes,
    history_bytes = :history_bytes, dropped = :dropped, renumbered = :renumbered WHERE id = 1
