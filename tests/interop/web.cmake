selvedge_process_test(NAME web_schemathesis_test LABEL interop SCRIPT web_schemathesis_test.py TIMEOUT 900)
