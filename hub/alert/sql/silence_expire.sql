DELETE FROM alert_silence WHERE until_ms <= :now
