UPDATE deployment_device SET is_taken_back = 1
WHERE deployment = :deployment AND asked_ms IS NOT NULL AND is_superseded = 0
