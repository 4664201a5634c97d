# Said when npm could not fetch what the lock file names.
message(FATAL_ERROR "npm could not fetch the packages of the web UI (hub/ui/package-lock.json); what it says stands above. "
    "Does this machine reach a registry (npm config get registry)? Without the UI: cmake -DSELVEDGE_UI=OFF")
