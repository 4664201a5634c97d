-- Reads all of stream: devices that nobody enrolled count too; one index in its order, a device's databases stand together.
SELECT (SELECT count(*) FROM device)
    + (SELECT count(*) FROM (SELECT DISTINCT device FROM stream) WHERE device NOT IN (SELECT id FROM device))
