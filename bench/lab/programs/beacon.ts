// Calls home again and again: a short request, a short answer, an end.
// Arguments: server, port, seconds between calls, jitter as a share of them.
import { request } from 'node:http';

const [server = '', port = '', seconds = '5', jitter = '0'] = process.argv.slice(2);

call();

function call(): void {
  const options = { host: server, port, path: '/q', agent: false };
  const check = request(options, (answer) => answer.resume());
  check.on('error', () => undefined);
  check.end();
  const share = 1 + (2 * Math.random() - 1) * Number(jitter);
  setTimeout(call, 1000 * Number(seconds) * share);
}
