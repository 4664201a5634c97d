-- Who was turned away, newest first; at most 10,000 are kept.
SELECT id, at_ms, peer, what, why FROM refusal WHERE id < :before ORDER BY id DESC LIMIT :limit
