selvedge_process_test(NAME first_boot LABEL process SCRIPT first_boot_test.py TIMEOUT 120)
