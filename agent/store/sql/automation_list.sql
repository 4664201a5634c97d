SELECT asset, cursor FROM automation
