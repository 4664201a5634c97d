selvedge_test(NAME dbt_manifest_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_manifest_test.c LIBS common_dbt common_json)
