SELECT key, coalesce(materialized_at, 0), materialized_seq, coalesce(materialized_run, ''), materializations, data_version,
    is_version_given, code_version, coalesce(observed_at, 0), observed_seq, changed_seq, observed_version,
    coalesce(failed_at, 0), error, freshness, coalesce(freshness_at, 0)
FROM asset
