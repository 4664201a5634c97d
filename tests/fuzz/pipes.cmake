selvedge_fuzz(NAME pipes SOURCES ${CMAKE_CURRENT_LIST_DIR}/pipes_fuzz.c LIBS agent_pipes)
