UPDATE step SET messages_read = :bytes WHERE run = :run AND step = :step AND attempt = :attempt
