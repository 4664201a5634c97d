-- Keys of a dynamic set, in the order in which they were added.
SELECT key FROM dynamic_partition WHERE set_name = :set AND is_there = 1 AND (:device IS NULL OR device = :device)
GROUP BY key ORDER BY min(stream_ms), min(epoch), min(seq), key LIMIT 100000
