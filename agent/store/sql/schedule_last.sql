SELECT decided FROM instigator WHERE kind = 'schedule' AND name = :schedule AND decided > 0
