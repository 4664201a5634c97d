INSERT INTO instigator (kind, name, decided, ticked_at, cursor) VALUES (:kind, :name, :decided, :at, coalesce(:cursor, ''))
ON CONFLICT (kind, name) DO UPDATE SET decided = max(decided, excluded.decided), ticked_at = excluded.ticked_at,
    cursor = coalesce(:cursor, cursor)
