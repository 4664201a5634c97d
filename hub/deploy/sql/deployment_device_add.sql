INSERT INTO deployment_device (deployment, device, wave) VALUES (:deployment, :device, :wave)
