// Mocha's own console output, and "passed failed skipped mocha" in the file $THYMUS_MOCHA_TOTALS.
const { writeFileSync } = require('node:fs');
const { reporters, Runner } = require('mocha');

module.exports = class TotalsReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const path = process.env.THYMUS_MOCHA_TOTALS;
      if (path) writeFileSync(path, `${passes} ${failures} ${pending} mocha\n`);
    });
  }
};
