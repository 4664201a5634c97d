SELECT failed_run, failed_error FROM asset_state WHERE device = :device AND asset = :asset
