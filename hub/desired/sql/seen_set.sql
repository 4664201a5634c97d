INSERT INTO desired_seen (device, revision) VALUES (:device, :revision)
ON CONFLICT (device) DO UPDATE SET revision = max(revision, excluded.revision)
