SELECT id FROM backfill WHERE json_extract(tags, '$."selvedge/command"') = :id ORDER BY created_at, leg LIMIT 1
