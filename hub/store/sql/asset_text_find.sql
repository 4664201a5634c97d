SELECT body FROM asset_text WHERE version = :version
