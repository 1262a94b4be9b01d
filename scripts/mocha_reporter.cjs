// Mocha's own console output, and in the file $THYMUS_MOCHA_TOTALS lines "passed failed skipped name":
// one of all that passed or was skipped, one of each failure with its title and first sentence.
const { writeFileSync } = require('node:fs');
const { reporters, Runner } = require('mocha');

module.exports = class TotalsReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failures = [];
    runner.on(Runner.constants.EVENT_TEST_FAIL, (test, error) => {
      const [sentence] = String(error?.message ?? error).split('\n');
      failures.push(`0 1 0 mocha: ${test.fullTitle()}: ${sentence}\n`);
    });
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, pending } = this.stats;
      const path = process.env.THYMUS_MOCHA_TOTALS;
      if (path) writeFileSync(path, `${passes} 0 ${pending} mocha\n${failures.join('')}`);
    });
  }
};
