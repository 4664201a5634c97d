-- What open runs have yet to make: assets of unfinished steps and of queued runs; of a run whose list was too long, its selection.
SELECT step.asset AS what, 0 AS is_selection, run.partition, run.partition_end, run.id, run.status
FROM run JOIN step ON step.run = run.id
WHERE run.status NOT IN ('success', 'failure', 'canceled') AND step.status IN ('waiting', 'started', 'up_for_retry') AND step.asset <> ''
UNION ALL
SELECT step_asset.asset, 0, run.partition, run.partition_end, run.id, run.status
FROM run JOIN step ON step.run = run.id JOIN step_asset ON step_asset.run = run.id AND step_asset.step = step.step
WHERE run.status NOT IN ('success', 'failure', 'canceled') AND step.status IN ('waiting', 'started', 'up_for_retry')
    AND step_asset.status = 'waiting'
UNION ALL
SELECT value, 0, partition, partition_end, run.id, run.status FROM run, json_each(CASE keys WHEN '' THEN '[]' ELSE keys END)
WHERE status NOT IN ('success', 'failure', 'canceled') AND status IN ('queued', 'not_started')
UNION ALL
SELECT selection, 1, partition, partition_end, id, status FROM run
WHERE status NOT IN ('success', 'failure', 'canceled') AND status IN ('queued', 'not_started') AND keys = ''
