add_executable(dbt_seed_peer ${CMAKE_CURRENT_LIST_DIR}/dbt_seed_peer.c)
target_link_libraries(dbt_seed_peer PRIVATE agent_transform project_options)
set_target_properties(dbt_seed_peer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

selvedge_process_test(NAME dbt_seed_types_test LABEL interop SCRIPT dbt_seed_types_test.py TIMEOUT 900)
set_tests_properties(dbt_seed_types_test PROPERTIES RUN_SERIAL FALSE)
