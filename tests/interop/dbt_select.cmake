add_executable(dbt_select_peer ${CMAKE_CURRENT_LIST_DIR}/dbt_select_peer.c)
target_link_libraries(dbt_select_peer PRIVATE common_dbt common_json project_options)
set_target_properties(dbt_select_peer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

# It uses a processor, not the machine: others may run beside it.
selvedge_process_test(NAME dbt_select_interop LABEL interop SCRIPT dbt_select_test.py TIMEOUT 1800)
set_tests_properties(dbt_select_interop PROPERTIES RESOURCE_LOCK "" COST 100)
selvedge_process_test(NAME dbt_state_interop LABEL interop SCRIPT state_dbt_test.py TIMEOUT 900)
set_tests_properties(dbt_state_interop PROPERTIES RESOURCE_LOCK "" COST 100)
selvedge_process_test(NAME dbt_source_status_interop LABEL interop SCRIPT source_status_dbt_test.py TIMEOUT 900)
set_tests_properties(dbt_source_status_interop PROPERTIES RESOURCE_LOCK "" COST 100)
