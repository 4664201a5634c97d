SELECT parts, part, first_seq FROM definitions_part WHERE stream_id = :stream AND hash = :hash
