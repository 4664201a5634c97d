selvedge_process_test(NAME package_test LABEL process SCRIPT package_test.py TIMEOUT 600)
