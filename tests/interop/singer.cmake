selvedge_process_test(NAME singer_target_test LABEL interop SCRIPT singer_target_test.py TIMEOUT 900)
# It uses a processor, not the machine: others may run beside it.
set_tests_properties(singer_target_test PROPERTIES RUN_SERIAL FALSE)
