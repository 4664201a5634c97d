SELECT d.device, d.wave, coalesce(d.asked_ms, 0), d.is_taken_back, d.is_superseded, s.status, s.reason, coalesce(s.at_ms, 0),
    coalesce(c.is_online, 0),
    -- An answer is what was said since it was asked, or before when it had been asked the same already.
    s.status IS NOT NULL AND ((s.epoch, s.seq) IS NOT (d.epoch_before, d.seq_before) OR d.bundle_before IS p.bundle
        OR (s.status = 'healthy' AND s.current IS p.bundle)),
    -- What it runs: from the newest of all it said.
    (SELECT n.current FROM bundle_state n WHERE n.device = d.device
        ORDER BY n.stream_ms DESC, n.epoch DESC, n.seq DESC LIMIT 1)
FROM deployment_device d JOIN deployment p ON p.id = d.deployment
    LEFT JOIN bundle_state s ON s.device = d.device AND s.bundle = p.bundle
    LEFT JOIN connection c ON c.device = d.device
WHERE d.deployment = :deployment ORDER BY d.wave, d.device
