SELECT count(materialized_at), count(failed_at), coalesce(max(materialized_at), 0), max(materialized_seq)
FROM asset_partition WHERE asset = :asset
