INSERT INTO event (seq, from_seq, type, body) VALUES (:seq, :from_seq, :type, :body)
