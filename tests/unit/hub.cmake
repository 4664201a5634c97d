add_library(merge_world STATIC ${CMAKE_CURRENT_LIST_DIR}/merge_world.c)
target_link_libraries(merge_world PUBLIC hub_merge hub_store common_wire PRIVATE PkgConfig::CMOCKA project_options)

foreach(name merge merge_members merge_views merge_order hub_queries)
    selvedge_test(NAME ${name}_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c LIBS merge_world)
endforeach()
selvedge_test(NAME api_questions_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/api_questions_test.c
    LIBS merge_world common_platform)
set_tests_properties(merge_order_test PROPERTIES TIMEOUT 7200) # 10,000 worlds with SELVEDGE_LONG
