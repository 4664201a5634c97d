selvedge_process_test(NAME dbt_retry_test LABEL process SCRIPT dbt_retry_test.py TIMEOUT 120)
