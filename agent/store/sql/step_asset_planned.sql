INSERT INTO step_asset (run, step, asset, status) VALUES (:run, :step, :asset, 'waiting')
ON CONFLICT (run, step, asset) DO NOTHING
