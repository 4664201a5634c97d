SELECT DISTINCT run FROM backfill_part WHERE backfill = :backfill AND status = 'requested'
