SELECT id FROM backfill WHERE id >= :prefix AND id < :prefix || 'g' ORDER BY id LIMIT 2
