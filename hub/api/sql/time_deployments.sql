SELECT d.asked_ms, w.id, w.bundle, w.status,
    (SELECT b.status FROM bundle_state b WHERE b.device = :device AND b.bundle = w.bundle)
FROM deployment_device d JOIN deployment w ON w.id = d.deployment
WHERE d.device = :device AND d.asked_ms BETWEEN :since AND :until ORDER BY d.asked_ms DESC LIMIT :limit
