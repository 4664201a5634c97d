UPDATE deployment_device SET asked_ms = :now,
    bundle_before = (SELECT t.bundle FROM deploy_target t WHERE t.device = deployment_device.device),
    epoch_before = (SELECT s.epoch FROM bundle_state s WHERE s.device = deployment_device.device AND s.bundle = :bundle),
    seq_before = (SELECT s.seq FROM bundle_state s WHERE s.device = deployment_device.device AND s.bundle = :bundle)
WHERE deployment = :deployment AND wave = :wave AND is_superseded = 0
