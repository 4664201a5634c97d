INSERT INTO desired_device (device, revision, content_hash, body, hash, conflicts, issued_ms)
VALUES (:device, :revision, :content_hash, :body, :hash, :conflicts, :now)
ON CONFLICT (device) DO UPDATE SET revision = excluded.revision, content_hash = excluded.content_hash,
    body = excluded.body, hash = excluded.hash, conflicts = excluded.conflicts, message = NULL,
    issued_ms = excluded.issued_ms, sent_ms = NULL
