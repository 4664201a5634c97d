SELECT bundle FROM deploy_target WHERE device = :device
