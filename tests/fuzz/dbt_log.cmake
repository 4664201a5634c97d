selvedge_fuzz(NAME dbt_log SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_log_fuzz.c LIBS agent_transform)
