UPDATE device_state SET stream_ms = :stream_ms, epoch = :epoch,
    at_ms = :at, version = :version, board = :board, boot_id = :boot_id, agent_start = :agent_start
WHERE device = :device AND (at_ms IS NULL OR (stream_ms, epoch) <= (:stream_ms, :epoch))
