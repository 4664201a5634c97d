SELECT at_ms, peer, what, why FROM refusal ORDER BY id DESC LIMIT :limit
