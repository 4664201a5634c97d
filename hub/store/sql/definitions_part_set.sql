INSERT INTO definitions_part (stream_id, hash, parts, part, first_seq) VALUES (:stream, :hash, :parts, :part, :first)
ON CONFLICT (stream_id) DO UPDATE SET
    hash = excluded.hash, parts = excluded.parts, part = excluded.part, first_seq = excluded.first_seq
