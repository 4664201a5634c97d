DELETE FROM tick WHERE id IN (
    SELECT id FROM (SELECT id, at, row_number() OVER (PARTITION BY kind, name ORDER BY id DESC) AS place FROM tick)
    WHERE place > :newest AND at < :before ORDER BY id LIMIT :limit)
