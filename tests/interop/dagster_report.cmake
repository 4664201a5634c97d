selvedge_process_test(NAME dagster_report_test LABEL interop SCRIPT dagster_report_test.py TIMEOUT 900)
