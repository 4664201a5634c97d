SELECT coalesce(materialized_at, 0), materialized_seq, run FROM asset_partition
WHERE asset = :asset AND partition = :partition
