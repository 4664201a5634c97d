selvedge_test(NAME dbt_select_oracle LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_select_oracle.c LIBS common_dbt common_platform)
