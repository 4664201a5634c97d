selvedge_fuzz(NAME answer SOURCES ${CMAKE_CURRENT_LIST_DIR}/answer_fuzz.c LIBS agent_sense)
