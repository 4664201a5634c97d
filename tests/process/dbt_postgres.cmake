# Nodes of dbt projects in real servers of the tests' own; skipped where PostgreSQL is not installed.
if(SELVEDGE_WITH_POSTGRES)
    add_executable(dbt_node ${CMAKE_CURRENT_LIST_DIR}/dbt_node.c)
    target_link_libraries(dbt_node PRIVATE agent_transform agent_el project_options)
    set_target_properties(dbt_node PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    selvedge_process_test(NAME dbt_postgres_models_test LABEL process SCRIPT dbt_postgres_models_test.py TIMEOUT 300)
    selvedge_process_test(NAME dbt_postgres_crash_test LABEL process SCRIPT dbt_postgres_crash_test.py TIMEOUT 900)
endif()
