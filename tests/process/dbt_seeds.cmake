# Seeds, snapshots and source freshness, of manifests made by hand; and for the tests against real dbt.
add_executable(dbt_nodes_peer ${CMAKE_CURRENT_LIST_DIR}/dbt_nodes_peer.c)
target_link_libraries(dbt_nodes_peer PRIVATE agent_transform project_options)
set_target_properties(dbt_nodes_peer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
selvedge_process_test(NAME dbt_seeds_fixture_test LABEL process SCRIPT dbt_seeds_fixture_test.py TIMEOUT 60)
if(SELVEDGE_WITH_POSTGRES)
    selvedge_process_test(NAME dbt_seeds_postgres_test LABEL process SCRIPT dbt_seeds_postgres_test.py TIMEOUT 300)
endif()
