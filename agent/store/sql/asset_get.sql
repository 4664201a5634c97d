SELECT materialized_at, materialized_run, materializations, metadata, failed_at, error FROM asset WHERE key = :asset
