UPDATE pending_enrolment SET status = :status WHERE device = :device AND substr(key_fingerprint, 1, length(:key)) = :key AND status <> :status
