SELECT 1 FROM backfill_part WHERE backfill = :backfill AND partition = :partition AND status = 'waiting'
