selvedge_test(NAME hub_broker_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/hub_broker_test.c LIBS hub_broker)
selvedge_test(NAME refusal_words_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/refusal_words_test.c LIBS hub_broker hub_rows)
