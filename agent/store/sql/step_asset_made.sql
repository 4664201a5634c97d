UPDATE step_asset SET status = :status WHERE run = :run AND step = :step AND asset = :asset
