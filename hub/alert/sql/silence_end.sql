DELETE FROM alert_silence WHERE id = :id
