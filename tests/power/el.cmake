# Loads of the worker, in this process: a sample of cuts; with `./dev test --long` a thousand.
selvedge_test(NAME el_power LABEL power TIMEOUT 3600
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/el_power_test.c ${CMAKE_CURRENT_LIST_DIR}/el_work.c
    LIBS agent_el common_gzip common_log test_power_files)
target_link_options(el_power PRIVATE -Wl,--wrap=clock_gettime)
