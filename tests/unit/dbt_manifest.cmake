selvedge_test(NAME dbt_manifest_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_manifest_test.c LIBS common_dbt common_json)
selvedge_test(NAME dbt_bundle_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_bundle_test.c LIBS test_support common_dbt common_gzip)
selvedge_test(NAME dbt_hostile_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_hostile_test.c LIBS test_support common_dbt)
