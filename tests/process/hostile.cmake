selvedge_process_test(NAME hostile LABEL process SCRIPT hostile_test.py TIMEOUT 240)
