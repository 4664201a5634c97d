INSERT INTO run (id, job, cause, cause_name, selection, status, steps, created_at, first_seq, last_seq)
VALUES (:run, :job, :cause, :cause_name, :selection, 'queued', :steps, :at, :seq, :seq)
