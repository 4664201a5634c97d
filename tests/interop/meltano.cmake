add_executable(meltano_print ${CMAKE_CURRENT_LIST_DIR}/meltano_print.c)
target_link_libraries(meltano_print PRIVATE agent_meltano project_options)
set_target_properties(meltano_print PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

selvedge_process_test(NAME meltano_test LABEL interop SCRIPT meltano_test.py TIMEOUT 1800)
# It uses a processor, not the machine: others may run beside it.
set_tests_properties(meltano_test PROPERTIES RESOURCE_LOCK "" COST 100)

add_executable(catalog_rules_peer ${CMAKE_CURRENT_LIST_DIR}/catalog_rules_peer.c)
target_link_libraries(catalog_rules_peer PRIVATE agent_meltano project_options)
set_target_properties(catalog_rules_peer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

selvedge_process_test(NAME catalog_rules_test LABEL interop SCRIPT catalog_rules_test.py TIMEOUT 1800)
set_tests_properties(catalog_rules_test PROPERTIES RESOURCE_LOCK "" COST 100)

selvedge_process_test(NAME meltano_run_test LABEL interop SCRIPT meltano_run_test.py TIMEOUT 1800)
