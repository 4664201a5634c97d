selvedge_process_test(NAME package_test LABEL process SCRIPT package_test.py TIMEOUT 600)
# It builds in the folder that the others run from.
set_tests_properties(package_test PROPERTIES RUN_SERIAL TRUE COST 0)
