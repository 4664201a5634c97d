SELECT asset, step, status = 'success' FROM step WHERE run = :run AND asset <> ''
UNION ALL
SELECT asset, step, status = 'made' FROM step_asset WHERE run = :run
