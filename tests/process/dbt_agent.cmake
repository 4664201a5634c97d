selvedge_process_test(NAME dbt_agent_test LABEL process SCRIPT dbt_agent_test.py TIMEOUT 300)
