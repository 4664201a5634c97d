selvedge_test(NAME dbt_log_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_log_test.c LIBS agent_transform common_platform test_support)
