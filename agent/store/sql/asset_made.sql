SELECT materialized_run, data_version, code_version, inputs, is_version_given FROM asset WHERE key = :key AND materialized_at IS NOT NULL
