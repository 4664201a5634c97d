SELECT number, id, devices, at_once, patience_ms, abort_failed, abort_percent, withdrawn_ms IS NOT NULL
FROM command WHERE is_open = 1 AND at_once > 0
