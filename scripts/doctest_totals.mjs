// doctest_totals.mjs REPORT.xml NAME: prints "passed failed skipped NAME" of a doctest XML report,
// and a line of its own for each case that failed.
// A report without totals is that of a run that died: one failure beside what had passed.
import { readFileSync } from 'node:fs';

const [report, name] = process.argv.slice(2);
let text = '';
try {
  text = readFileSync(report, 'utf8');
} catch {
  // The run died before its first line.
}
const totals =
  /<OverallResultsTestCases successes="(\d+)" failures="(\d+)"(?: skipped="(\d+)")?/.exec(text);
if (totals) {
  console.log(totals[1], 0, totals[3] ?? 0, name);
  const cases = text.split('<TestCase ').slice(1);
  for (const one of cases.filter((part) => part.includes('test_case_success="false"'))) {
    console.log(0, 1, 0, `${name}: ${/name="([^"]*)"/.exec(one)?.[1]}`);
  }
} else {
  const passed = text.match(/<OverallResultsAsserts [^>]*test_case_success="true"/g)?.length ?? 0;
  console.log(passed, 1, 0, `${name}: the run died`);
}
