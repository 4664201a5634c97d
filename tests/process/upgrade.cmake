selvedge_process_test(NAME hub_upgrade LABEL process SCRIPT upgrade_test.py TIMEOUT 180)
