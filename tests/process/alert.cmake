selvedge_process_test(NAME alert LABEL process SCRIPT alert_test.py TIMEOUT 180)
