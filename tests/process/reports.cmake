selvedge_process_test(NAME reports LABEL process SCRIPT reports_test.py TIMEOUT 300)
selvedge_process_test(NAME web_report LABEL process SCRIPT web_report_test.py TIMEOUT 300)
