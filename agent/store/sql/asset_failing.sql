SELECT key FROM asset WHERE failed_at IS NOT NULL AND failed_at > coalesce(materialized_at, 0)
