DELETE FROM report_attempt WHERE report NOT IN (SELECT value FROM json_each(:names))
