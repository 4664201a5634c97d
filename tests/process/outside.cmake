selvedge_process_test(NAME outside LABEL process SCRIPT outside_test.py TIMEOUT 300)
