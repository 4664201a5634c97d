selvedge_process_test(NAME web_process LABEL process SCRIPT web_test.py TIMEOUT 300)
selvedge_process_test(NAME web_live LABEL process SCRIPT web_live_test.py TIMEOUT 300)
