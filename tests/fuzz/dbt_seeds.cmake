selvedge_fuzz(NAME dbt_seed SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_seed_fuzz.c LIBS agent_transform)
