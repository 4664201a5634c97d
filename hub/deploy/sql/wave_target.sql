INSERT INTO deploy_target (device, bundle)
SELECT device, :bundle FROM deployment_device WHERE deployment = :deployment AND wave = :wave AND is_superseded = 0
ON CONFLICT (device) DO UPDATE SET bundle = excluded.bundle
