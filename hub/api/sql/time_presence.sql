-- From the state that held at :since on.
SELECT at_ms, is_online, reason FROM device_presence
WHERE device = :device AND at_ms <= :until AND at_ms >= coalesce(
    (SELECT max(p.at_ms) FROM device_presence p WHERE p.device = :device AND p.at_ms <= :since), 0)
ORDER BY at_ms DESC LIMIT :limit
