SELECT revision, body, status, reason, at FROM desired WHERE slot = :slot
