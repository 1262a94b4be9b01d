// node examples/embed.mjs FILE...   Incidents of captures, by a program of your own.
import { replay } from 'thymus';

for await (const incident of replay(process.argv.slice(2))) {
  const percent = (100 * incident.confidence).toFixed(1);
  console.log(`${incident.entity.address}: ${incident.summary} (${percent} % sure)`);
  for (const evidence of incident.evidence.slice(0, 3)) console.log(`  ${evidence.reason}`);
}
