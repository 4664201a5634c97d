selvedge_process_test(NAME dbt_drive_test LABEL interop SCRIPT dbt_drive_test.py TIMEOUT 900)
set_tests_properties(dbt_drive_test PROPERTIES RESOURCE_LOCK "" COST 100)
