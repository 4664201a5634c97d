INSERT INTO outside_report (body) VALUES (:body)
