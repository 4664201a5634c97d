DELETE FROM report_attempt WHERE report = :report AND id <= (
    SELECT id FROM report_attempt WHERE report = :report ORDER BY id DESC LIMIT 1 OFFSET 200)
