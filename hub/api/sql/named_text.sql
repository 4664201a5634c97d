-- What a definition says, and whether what it says begins paused.
SELECT body, coalesce(CASE WHEN json_extract(body, '$.starts_paused') THEN 1 END, 0) FROM named_text WHERE version = :version
