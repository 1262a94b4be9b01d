import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab.js';
import { writeContent } from './content.js';

/** Asks for a name and a password. */
export const GUARDED_PATH = '/private/';

export interface Website {
  readonly name: string;
  readonly host: string;
  readonly ports: readonly number[];
  /** Also answer on 443, with a certificate of its own making. */
  readonly tls: boolean;
}

/** @returns its web root */
export async function startWebsite(lab: Lab, site: Website): Promise<string> {
  const folder = join(lab.folder, `nginx-${site.name}`);
  const root = join(folder, 'www');
  writeContent(root, lab.random(`content of ${site.name}`));
  mkdirSync(join(folder, 'tmp'), { recursive: true });
  if (site.tls) await makeCertificate(lab, site, folder);
  const secret = lab.random(`password of ${site.name}`).bytes(12).toString('hex');
  writeFileSync(join(folder, 'users'), `alice:{PLAIN}${secret}\n`);
  writeFileSync(join(folder, 'nginx.conf'), configuration(site, folder));
  lab.serve(`nginx ${site.name}`, site.host, command(folder));
  return root;
}

export async function stopWebsite(lab: Lab, site: Website): Promise<void> {
  await lab.stop(`nginx ${site.name}`);
}

/** After `stopWebsite`, as it was. */
export function restartWebsite(lab: Lab, site: Website): void {
  lab.serve(`nginx ${site.name}`, site.host, command(join(lab.folder, `nginx-${site.name}`)));
}

function command(folder: string): string[] {
  return ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
}

async function makeCertificate(lab: Lab, site: Website, folder: string): Promise<void> {
  const kind = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30';
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const subject = ['-subj', `/O=Lab/CN=${site.name}`];
  await lab.must(site.host, ['openssl', ...kind.split(' '), ...files, ...subject]);
}

function configuration(site: Website, folder: string): string {
  const listens = site.ports.flatMap((port) => [`listen ${port};`, `listen [::]:${port};`]);
  if (site.tls) listens.push('listen 443 ssl;', 'listen [::]:443 ssl;');
  const tls = site.tls
    ? `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;`
    : '';
  return `
daemon off;
user root;
worker_processes 1;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 2048; }
http {
  access_log off;
  keepalive_timeout 15s;
  client_body_temp_path ${folder}/tmp; proxy_temp_path ${folder}/tmp; fastcgi_temp_path ${folder}/tmp;
  uwsgi_temp_path ${folder}/tmp; scgi_temp_path ${folder}/tmp;
  types { text/html html; image/jpeg jpg; text/plain txt; application/octet-stream bin; }
  server {
    ${listens.join('\n    ')}
    ${tls}
    root ${folder}/www;
    index 0.html;
    location ${GUARDED_PATH} { auth_basic private; auth_basic_user_file ${folder}/users; }
  }
}
`;
}
