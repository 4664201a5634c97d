selvedge_process_test(NAME metrics LABEL process SCRIPT metrics_test.py TIMEOUT 120)
