selvedge_process_test(NAME dbt_state_test LABEL process SCRIPT dbt_state_test.py TIMEOUT 120)
selvedge_process_test(NAME dbt_source_status_test LABEL process SCRIPT dbt_source_status_test.py TIMEOUT 120)
