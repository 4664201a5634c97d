// A step that speaks Dagster Pipes through @dagster-io/dagster-pipes: typescript_client.js CASE. The cases of Dagster's public test suite for
// clients, and the example of the package's page. Run by pipes_typescript_test.py.
'use strict';
const fs = require('fs');
const {openDagsterPipes} = require(process.env.PIPES_PACKAGE);

const metadata = {
  bool_true: {type: 'bool', raw_value: true},
  float: {type: 'float', raw_value: 0.1},
  int: {type: 'int', raw_value: 1},
  url: {type: 'url', raw_value: 'https://dagster.io'},
  null: {type: 'null', raw_value: null},
  json: {type: 'json', raw_value: {quux: {a: 1}, corge: null, qux: [1, 2, 3]}},
  text: {type: 'text', raw_value: 'hello'},
};
const context = openDagsterPipes();
const cases = {
  example() {
    context.logger.info('this is a log message from the external process');
    context.logger.warning('This is an example warning from the external process');
    context.reportAssetMaterialization({row_count: 100});
    context.reportAssetCheck('example_typescript_check', true);
  },
  log_levels() {
    context.logger.debug('Debug message');
    context.logger.info('Info message');
    context.logger.warning('Warning message');
    context.logger.error('Error message');
    context.logger.critical('Critical message');
  },
  custom_message() {
    context.reportCustomMessage({foo: 'bar', qux: [1, 2, 3], corge: null});
  },
  materialization() {
    context.reportAssetMaterialization(metadata, 'alpha', 'a/b');
  },
  check() {
    context.reportAssetCheck('my_check', false, 'WARN', metadata);
  },
  components() {
    context.reportCustomMessage({run: context.runID, job: context.jobName, asset: context.assetKey, extras: context.extras,
      retry: context.retryNumber});
  },
  error_reporting() {
    context.close({name: 'AnError', message: 'Very bad error has happened!', stack: ['one', 'two'], cause: null, context: null});
    process.exit(1);
  },
  killed() {
    context.reportAssetMaterialization({rows: 3}, 'half');
    process.kill(process.pid, 'SIGKILL');
    for (;;) fs.statSync('/');
  },
};
cases[process.argv[2]]();
context.close();
