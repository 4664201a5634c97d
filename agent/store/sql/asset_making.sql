SELECT materialized_seq, coalesce(materialized_run, ''), coalesce(run.job, ''), coalesce(run.tags, '{}')
FROM asset LEFT JOIN run ON run.id = asset.materialized_run WHERE key = :asset AND materialized_seq <> 0
