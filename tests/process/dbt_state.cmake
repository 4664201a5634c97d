selvedge_process_test(NAME dbt_state_test LABEL process SCRIPT dbt_state_test.py TIMEOUT 120)
