SELECT id, merged_seq, first_at_ms FROM stream WHERE device = :device AND epoch = :epoch
