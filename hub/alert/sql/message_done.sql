DELETE FROM alert_message WHERE id = :id
