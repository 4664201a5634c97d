-- Of each device's database the newest evaluation says which of them can be on the page: those that are not older than the last of
-- as many as the page takes. Of these the newest of each, and of those the newest.
-- Reads all of stream: of all devices.
WITH d AS MATERIALIZED (
    SELECT s.id, s.device, (SELECT o.at_ms FROM check_history o
        WHERE o.asset = :asset AND o.stream_id = s.id AND o.at_ms <= :at AND (:name IS NULL OR o.name = :name)
            AND (o.at_ms, o.stream_id, o.seq) < (:at, :stream, :seq)
        ORDER BY o.at_ms DESC LIMIT 1) AS at_ms
    FROM stream s WHERE :device IS NULL OR s.device = :device),
b AS MATERIALIZED (
    SELECT coalesce((SELECT at_ms FROM d WHERE at_ms IS NOT NULL ORDER BY at_ms DESC LIMIT 1 OFFSET :limit - 1), -9e18) AS at_ms)
SELECT p.device, p.name, p.passed, p.severity, p.at_ms, p.run, json_extract(e.body, '$.metadata'), p.stream_id, p.seq
FROM (
    SELECT d.device, c.name, c.passed, c.severity, c.at_ms, c.run, c.stream_id, c.seq
    FROM b CROSS JOIN d ON d.at_ms >= b.at_ms
    CROSS JOIN check_history c ON c.asset = :asset AND c.stream_id = d.id AND c.at_ms <= :at
        AND c.at_ms >= max(b.at_ms, coalesce((SELECT o.at_ms FROM check_history o
            WHERE o.asset = :asset AND o.stream_id = d.id AND o.at_ms <= :at AND (:name IS NULL OR o.name = :name)
                AND (o.at_ms, o.stream_id, o.seq) < (:at, :stream, :seq)
            ORDER BY o.at_ms DESC LIMIT 1 OFFSET :limit), -9e18))
    WHERE (:name IS NULL OR c.name = :name) AND (c.at_ms, c.stream_id, c.seq) < (:at, :stream, :seq)
    ORDER BY c.at_ms DESC, c.stream_id DESC, c.seq DESC LIMIT :limit) p
LEFT JOIN event e ON e.stream_id = p.stream_id AND e.seq = p.seq
ORDER BY p.at_ms DESC, p.stream_id DESC, p.seq DESC
