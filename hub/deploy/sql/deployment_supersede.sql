UPDATE deployment_device SET is_superseded = 1
WHERE deployment <> :deployment AND deployment IN (SELECT id FROM deployment WHERE status IN ('running', 'paused'))
    AND device IN (SELECT device FROM deployment_device WHERE deployment = :deployment)
