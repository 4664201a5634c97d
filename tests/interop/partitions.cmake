add_executable(partition_keys ${CMAKE_CURRENT_LIST_DIR}/partition_keys.c ${CMAKE_CURRENT_LIST_DIR}/zones.c)
target_link_libraries(partition_keys PRIVATE common_model common_platform project_options)
set_target_properties(partition_keys PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

selvedge_process_test(NAME dagster_partitions_test LABEL interop SCRIPT partitions_test.py TIMEOUT 1200)
# It uses a processor, not the machine: others may run beside it.
set_tests_properties(dagster_partitions_test PROPERTIES RESOURCE_LOCK "" COST 100)
