UPDATE connection SET refusal = :why, refusal_ms = :now WHERE device = :device
