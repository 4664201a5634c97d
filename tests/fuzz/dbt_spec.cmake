selvedge_fuzz(NAME dbt_spec SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_spec_fuzz.c LIBS common_dbt common_json)
