INSERT INTO asset (key, observed_at, observed_version, observed_seq, changed_seq)
VALUES (:asset, :at, :data_version, :seq, CASE WHEN :data_version <> '' THEN :seq ELSE 0 END)
ON CONFLICT (key) DO UPDATE SET observed_at = excluded.observed_at, observed_version = excluded.observed_version,
    observed_seq = excluded.observed_seq, changed_seq = CASE
        WHEN :data_version <> CASE WHEN observed_seq > materialized_seq THEN observed_version ELSE data_version END
        THEN :seq ELSE changed_seq END
