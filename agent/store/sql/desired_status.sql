UPDATE desired SET status = :status, reason = :reason, at = :at WHERE slot = 'applied' AND revision = :revision
