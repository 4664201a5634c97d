UPDATE backfill_part SET status = 'canceled' WHERE backfill = :backfill AND status = 'waiting'
