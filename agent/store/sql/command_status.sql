UPDATE command SET status = :status, changed_at = :at, code = :code, reason = :reason,
    run = CASE WHEN run = '' THEN :run ELSE run END, args = CASE WHEN :status = 'started' THEN args ELSE '' END
WHERE id = :id AND status IN ('received', 'started')
