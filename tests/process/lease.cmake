selvedge_process_test(NAME lease LABEL process SCRIPT lease_test.py TIMEOUT 240)
