SELECT materialized_run, data_version, code_version, inputs FROM asset WHERE key = :key AND materialized_at IS NOT NULL
