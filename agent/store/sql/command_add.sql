INSERT INTO command (id, signer, counter, verb, args, issued_at, expires_at, received_at, status, changed_at, code, reason)
SELECT :id, :signer, json_extract(:facts, '$.counter'), :verb,
    CASE WHEN :status = 'received' THEN json_extract(:facts, '$.args') ELSE '' END,
    json_extract(:facts, '$.issued_at'), json_extract(:facts, '$.expires_at'), :at, :status, :at, :code, :reason
WHERE true ON CONFLICT DO NOTHING
