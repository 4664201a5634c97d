selvedge_process_test(NAME simulate LABEL process SCRIPT simulate_test.py TIMEOUT 180)
