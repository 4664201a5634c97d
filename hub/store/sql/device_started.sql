UPDATE device_state SET version = :version, board = :board, boot_id = :boot_id, agent_start = :agent_start,
    at_ms = :at, stream_ms = :stream_ms, epoch = :epoch
WHERE device = :device AND (at_ms IS NULL OR (stream_ms, epoch) <= (:stream_ms, :epoch))
