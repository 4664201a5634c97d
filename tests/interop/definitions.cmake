selvedge_process_test(NAME definitions_schema_test LABEL interop SCRIPT schema_test.py TIMEOUT 900)
# It uses a processor, not the machine: others may run beside it.
set_tests_properties(definitions_schema_test PROPERTIES RESOURCE_LOCK "" COST 100)
