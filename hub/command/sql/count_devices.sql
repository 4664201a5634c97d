-- How many devices of a command are where: as list_devices.sql, without the devices. Few commands begin backfills.
SELECT a.status, d.turn, d.sent > 0, coalesce(c.is_online, 0),
    CASE WHEN :has_backfills THEN (
        SELECT max(b.status IN ('requested', 'canceling')) + 2 * max(b.status IN ('completed_failed', 'canceled'))
        FROM backfill b JOIN stream s ON s.id = b.stream_id WHERE b.command = :id AND s.device = d.device) END, count(*)
FROM command_device d
LEFT JOIN connection c ON c.device = d.device
LEFT JOIN command_answer a ON a.command = :id AND a.device = d.device
WHERE d.command = :command GROUP BY 1, 2, 3, 4, 5
