selvedge_process_test(NAME devices LABEL process SCRIPT devices_test.py TIMEOUT 180)
