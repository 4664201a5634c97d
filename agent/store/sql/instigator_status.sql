INSERT INTO instigator (kind, name, status, changed_at, decided, cursor)
VALUES (:kind, :name, :status, :at, :decided, coalesce(:cursor, ''))
ON CONFLICT (kind, name) DO UPDATE SET status = excluded.status, changed_at = excluded.changed_at,
    decided = excluded.decided, cursor = coalesce(:cursor, cursor)
