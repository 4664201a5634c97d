selvedge_process_test(NAME web_process LABEL process SCRIPT web_test.py TIMEOUT 300)
