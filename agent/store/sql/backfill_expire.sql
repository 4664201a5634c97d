DELETE FROM backfill WHERE id IN (
    SELECT id FROM (SELECT id, ended_at, row_number() OVER (ORDER BY id DESC) AS place FROM backfill WHERE ended_at IS NOT NULL)
    WHERE place > :newest AND ended_at < :before ORDER BY id LIMIT :limit)
