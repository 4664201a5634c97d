UPDATE stream SET merged_seq = :seq, received_ms = :received WHERE id = :stream
