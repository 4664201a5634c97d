# A native build for tests, which need no agent around it.
add_executable(dbt_build_peer ${CMAKE_CURRENT_LIST_DIR}/dbt_build_peer.c)
target_link_libraries(dbt_build_peer PRIVATE agent_transform agent_el common_dbt common_json common_platform project_options)
set_target_properties(dbt_build_peer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

selvedge_process_test(NAME dbt_replay LABEL process SCRIPT dbt_replay_test.py)
selvedge_process_test(NAME dbt_build LABEL process SCRIPT dbt_build_test.py)
