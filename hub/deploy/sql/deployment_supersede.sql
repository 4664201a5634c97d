UPDATE deployment_device SET is_superseded = 1
WHERE deployment <> :deployment AND is_superseded = 0
    AND device IN (SELECT device FROM deployment_device WHERE deployment = :deployment)
