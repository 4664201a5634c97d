selvedge_fuzz(NAME dbt_select SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_select_fuzz.c LIBS common_dbt common_json)
