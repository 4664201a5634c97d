selvedge_fuzz(NAME definitions SOURCES ${CMAKE_CURRENT_LIST_DIR}/definitions_fuzz.c LIBS agent_plan)
