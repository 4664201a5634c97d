SELECT last_seq, id, job, status, tags FROM run
WHERE last_seq > :after AND status IN ('success', 'failure', 'canceled') ORDER BY last_seq
