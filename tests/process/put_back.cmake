selvedge_process_test(NAME put_back LABEL process SCRIPT put_back_test.py TIMEOUT 180)
