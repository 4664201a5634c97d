INSERT INTO instigator (kind, name, status, changed_at, decided, cursor)
VALUES (:kind, :name, :status, :at, :decided, coalesce(:cursor, ''))
ON CONFLICT (kind, name) DO UPDATE SET status = excluded.status, changed_at = excluded.changed_at,
    decided = CASE WHEN :decided > 0 THEN :decided ELSE decided END, cursor = coalesce(:cursor, cursor)
