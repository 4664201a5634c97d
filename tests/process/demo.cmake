# The main job, whole: six shops, a hub, a cut network, a retry; ends with 0 only when every row has arrived.
add_test(NAME demo_once COMMAND ${PROJECT_BINARY_DIR}/bin/selvedge-hub demo --once)
set_tests_properties(demo_once PROPERTIES LABELS process TIMEOUT 300 RESOURCE_LOCK process_0 COST 1000)
