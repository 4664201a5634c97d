-- One statement, with a comment before
INSERT INTO thing (name, weight, picture)
VALUES (:name, :weight, :picture); -- and behind
