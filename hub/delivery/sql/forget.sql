-- Reports that the settings have no more. One that comes back begins anew.
DELETE FROM report_delivery WHERE report NOT IN (SELECT value FROM json_each(:names))
