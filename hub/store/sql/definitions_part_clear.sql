DELETE FROM definitions_part WHERE stream_id = :stream
