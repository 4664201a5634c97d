selvedge_fuzz(NAME dbt_sources SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_sources_fuzz.c LIBS agent_dbt)
