UPDATE deployment SET status = :status, reason = :reason, ended_ms = nullif(:ended, 0), settled_ms = NULL
WHERE id = :deployment
