INSERT INTO refusal (at_ms, peer, what, why) VALUES (:now, :peer, :what, :why)
