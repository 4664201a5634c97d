INSERT INTO asset (key, materialized_at, materialized_run, materializations, metadata, materialized_seq, data_version,
    is_version_given, code_version, inputs)
VALUES (:asset, :at, :run, 1, :metadata, :seq, :data_version, :is_version_given, :code_version, :inputs)
ON CONFLICT (key) DO UPDATE SET materialized_at = excluded.materialized_at,
    materialized_run = excluded.materialized_run, materializations = materializations + 1,
    metadata = excluded.metadata, failed_at = NULL, error = '', materialized_seq = excluded.materialized_seq,
    data_version = excluded.data_version, is_version_given = excluded.is_version_given,
    code_version = excluded.code_version, inputs = excluded.inputs
