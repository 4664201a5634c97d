selvedge_process_test(NAME reports LABEL process SCRIPT reports_test.py TIMEOUT 300)
