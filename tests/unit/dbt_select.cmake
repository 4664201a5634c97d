selvedge_test(NAME dbt_select_oracle LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_select_oracle.c LIBS common_dbt common_platform)
add_library(dbt_select_fixture STATIC ${CMAKE_CURRENT_LIST_DIR}/dbt_select_fixture.c)
target_link_libraries(dbt_select_fixture PUBLIC common_dbt dbt_sketch PRIVATE PkgConfig::CMOCKA project_options)
foreach(name dbt_select dbt_select_match dbt_select_yaml)
    selvedge_test(NAME ${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c LIBS dbt_select_fixture)
endforeach()
selvedge_test(NAME dbt_select_state_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_select_state_test.c ${PROJECT_SOURCE_DIR}/tests/support/temp_dir.c
    LIBS dbt_select_fixture common_platform)
