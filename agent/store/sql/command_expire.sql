DELETE FROM command
WHERE signer = :signer AND status NOT IN ('received', 'started')
    AND counter < (SELECT counter FROM command WHERE signer = :signer ORDER BY counter DESC LIMIT 1 OFFSET :kept - 1)
