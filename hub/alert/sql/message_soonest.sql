SELECT min(next_ms) FROM alert_message
