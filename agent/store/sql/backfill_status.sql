UPDATE backfill SET status = :status, reason = :reason,
    ended_at = CASE WHEN :status IN ('completed_success', 'completed_failed', 'canceled') THEN :at END
WHERE id = :backfill
