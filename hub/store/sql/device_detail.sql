SELECT d.key_fingerprint, d.status_ms, c.epoch, c.boot_id, c.clock_trusted, c.refusal_ms, c.definitions_hash, s.starts, s.clock_steps,
    h.at_ms, h.body,
    (SELECT x.cause FROM certificate x WHERE x.device = :device ORDER BY x.issued_ms DESC LIMIT 1),
    (SELECT max(x.issued_ms) FROM certificate x WHERE x.device = :device),
    (SELECT count(*) FROM stream x WHERE x.device = :device),
    t.bundle, t.device IS NOT NULL,
    (SELECT w.id FROM deployment_device x JOIN deployment w ON w.id = x.deployment
        WHERE x.device = :device AND w.status IN ('running', 'paused') AND NOT x.is_superseded ORDER BY w.made_ms DESC LIMIT 1),
    b.bundle, b.status, b.current, b.reason, b.at_ms,
    (SELECT count(*) FROM cut_off x WHERE x.device = :device), (SELECT count(*) FROM quarantine x WHERE x.device = :device)
FROM (SELECT :device AS id) k
LEFT JOIN device d ON d.id = k.id
LEFT JOIN connection c ON c.device = k.id
LEFT JOIN device_state s ON s.device = k.id
LEFT JOIN device_health h ON h.device = k.id
LEFT JOIN deploy_target t ON t.device = k.id
LEFT JOIN bundle_state b ON b.device = k.id AND (b.stream_ms, b.epoch, b.seq) =
    (SELECT x.stream_ms, x.epoch, x.seq FROM bundle_state x WHERE x.device = :device ORDER BY x.stream_ms DESC, x.epoch DESC, x.seq DESC LIMIT 1)
