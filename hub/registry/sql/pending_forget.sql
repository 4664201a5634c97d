DELETE FROM pending_enrolment WHERE last_ms < :since
