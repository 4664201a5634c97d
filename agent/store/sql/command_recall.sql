SELECT EXISTS (SELECT 1 FROM command WHERE id = :id),
    EXISTS (SELECT 1 FROM command WHERE signer = :signer AND counter = :counter),
    EXISTS (SELECT 1 FROM command WHERE id = :id AND signer = :signer AND counter = :counter
        AND status IN ('received', 'started')),
    (SELECT counter FROM command WHERE signer = :signer ORDER BY counter DESC LIMIT 1 OFFSET :kept - 1),
    (SELECT count(*) FROM command WHERE status IN ('received', 'started'))
