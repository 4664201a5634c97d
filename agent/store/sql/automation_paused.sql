SELECT 1 FROM instigator WHERE kind = 'automation' AND name = 'automation' AND status = 'paused'
