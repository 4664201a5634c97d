# It uses a processor, not the machine: others may run beside it.
selvedge_process_test(NAME random_dbt_test LABEL interop SCRIPT random_dbt_test.py TIMEOUT 7200)
set_tests_properties(random_dbt_test PROPERTIES RESOURCE_LOCK "" COST 100)
