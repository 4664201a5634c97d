selvedge_process_test(NAME accounts LABEL process SCRIPT accounts_test.py TIMEOUT 120)
