UPDATE deploy_target SET bundle = (SELECT coalesce(d.bundle_before, '') FROM deployment_device d
    WHERE d.deployment = :deployment AND d.device = deploy_target.device)
WHERE bundle = :bundle AND device IN (SELECT d.device FROM deployment_device d
    WHERE d.deployment = :deployment AND d.asked_ms IS NOT NULL AND d.is_superseded = 0)
