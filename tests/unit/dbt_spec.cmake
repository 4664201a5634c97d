# A manifest written for a test.
add_library(dbt_written STATIC ${CMAKE_CURRENT_LIST_DIR}/dbt_written.c)
target_link_libraries(dbt_written PUBLIC common_dbt test_support PRIVATE PkgConfig::CMOCKA project_options)

selvedge_test(NAME dbt_spec_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_spec_test.c LIBS dbt_written common_dbt)
selvedge_test(NAME dbt_admit_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_admit_test.c LIBS dbt_written common_dbt)
selvedge_test(NAME dbt_build_run_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_build_run_test.c
    LIBS dbt_written agent_transform agent_dbt agent_el common_dbt common_platform)
