WITH asked AS (
    SELECT d.*, p.bundle,
        -- What it runs: from the newest of all it said.
        (SELECT n.current FROM bundle_state n WHERE n.device = d.device
            ORDER BY n.stream_ms DESC, n.epoch DESC, n.seq DESC LIMIT 1) AS current
    FROM deployment_device d JOIN deployment p ON p.id = d.deployment
    WHERE d.deployment = :deployment
)
SELECT a.device, a.wave, coalesce(a.asked_ms, 0), a.is_taken_back, a.is_superseded, s.status, s.reason, coalesce(s.at_ms, 0),
    coalesce(c.is_online, 0),
    -- An answer is what was said since it was asked, or before when it had been asked the same already or runs it still.
    s.status IS NOT NULL AND ((s.epoch, s.seq) IS NOT (a.epoch_before, a.seq_before) OR a.bundle_before IS a.bundle
        OR (s.status = 'healthy' AND a.current IS a.bundle)),
    a.current
FROM asked a LEFT JOIN bundle_state s ON s.device = a.device AND s.bundle = a.bundle
    LEFT JOIN connection c ON c.device = a.device
ORDER BY a.wave, a.device
