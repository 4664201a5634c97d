-- Reads all of stream: devices that nobody enrolled are found, too; who searches waits for it.
WITH known (id) AS (SELECT id FROM device UNION SELECT device FROM stream)
SELECT k.id, d.display_name FROM known k LEFT JOIN device d ON d.id = k.id
WHERE instr(lower(k.id), :q) > 0 OR instr(lower(d.display_name), :q) > 0 OR
    EXISTS (SELECT 1 FROM device_label l WHERE l.device = k.id AND instr(lower(l.key || '=' || l.value), :q) > 0)
ORDER BY k.id LIMIT :limit
