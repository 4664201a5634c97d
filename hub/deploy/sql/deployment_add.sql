INSERT INTO deployment (id, bundle, targets, waves, abort_if, keeps_on_abort, soak_ms, patience_ms, made_ms, status)
VALUES (:id, :bundle, :targets, :waves, :abort_if, :keeps, :soak, :patience, :now, 'running')
