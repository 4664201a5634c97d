SELECT inputs FROM asset WHERE key = :asset
