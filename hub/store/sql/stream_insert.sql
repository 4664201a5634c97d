INSERT INTO stream (device, epoch, first_at_ms, merged_seq, received_ms)
VALUES (:device, :epoch, :first_at, :seq, :received) RETURNING id
