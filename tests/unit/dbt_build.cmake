# A project in a few lines, for tests of common/dbt and agent/transform.
add_library(dbt_sketch STATIC ${CMAKE_CURRENT_LIST_DIR}/dbt_sketch.c)
target_link_libraries(dbt_sketch PUBLIC common_dbt PRIVATE PkgConfig::CMOCKA project_options)

selvedge_test(NAME dbt_build_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_build_test.c LIBS dbt_sketch common_dbt)
selvedge_test(NAME dbt_build_random_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_build_random_test.c LIBS dbt_sketch common_dbt test_support)
selvedge_test(NAME dbt_build_edges LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_build_edges_test.c LIBS common_dbt common_platform)
