UPDATE alert SET told_ms = :told, devices = :devices, troubles = :troubles, detail = :detail
WHERE id = :id AND (told_ms, devices, troubles, detail) IS NOT (:told, :devices, :troubles, :detail)
