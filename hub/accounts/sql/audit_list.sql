SELECT id, at_ms, account, peer, action, subject, result, detail FROM audit
WHERE (:before IS NULL OR id < :before) AND (:account IS NULL OR account = :account) AND (:action IS NULL OR action = :action)
ORDER BY id DESC LIMIT :limit
