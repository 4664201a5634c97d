SELECT step.asset, step.status, step.attempt, coalesce(step.retry_at, 0),
    coalesce(asset.materialized_run = step.run, 0), step.messages_read
FROM step LEFT JOIN asset ON asset.key = step.asset WHERE step.run = :run
