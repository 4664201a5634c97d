INSERT INTO audit (at_ms, account, peer, action, subject, result, detail)
VALUES (:now, :account, :peer, :action, :subject, :result, :detail)
