SELECT id FROM run WHERE parent = :run AND json_extract(tags, '$."selvedge/command"') = :id ORDER BY created_at, first_seq LIMIT 1
