selvedge_test(NAME protocol_doc_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/protocol_doc_test.c
    LIBS common_wire common_json common_platform agent_command hub_broker)
