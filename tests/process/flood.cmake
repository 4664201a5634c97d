selvedge_process_test(NAME flood LABEL process SCRIPT flood_test.py TIMEOUT 180)
