selvedge_test(NAME dbt_assets_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_assets_test.c ${PROJECT_SOURCE_DIR}/tests/support/temp_dir.c
    LIBS agent_definitions agent_dbt common_dbt common_platform)
selvedge_test(NAME dbt_indirect_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_indirect_test.c ${PROJECT_SOURCE_DIR}/tests/support/temp_dir.c
    LIBS agent_dbt common_dbt dbt_sketch common_platform)
