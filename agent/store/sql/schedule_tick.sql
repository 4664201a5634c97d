INSERT INTO schedule (name, nominal, status, run) VALUES (:schedule, :nominal, :status, :run)
ON CONFLICT (name) DO UPDATE SET nominal = excluded.nominal, status = excluded.status, run = excluded.run
