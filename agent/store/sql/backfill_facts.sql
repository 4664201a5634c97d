SELECT EXISTS (SELECT 1 FROM backfill_part WHERE backfill = :backfill AND status = 'waiting'),
    (SELECT count(DISTINCT run) FROM backfill_part WHERE backfill = :backfill AND status = 'requested'),
    EXISTS (SELECT 1 FROM backfill_part WHERE backfill = :backfill AND status IN ('failure', 'canceled'))
