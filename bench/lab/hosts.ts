/** A device on the office's switch. */
export interface Host {
  readonly name: string;
  readonly address: string;
  readonly address6: string;
  readonly mac: string;
}

/** A network behind the gateway, reached by a link of its own that is not on the switch. */
export interface Site {
  readonly name: string;
  /** Both ends of the link, with prefix length. */
  readonly gatewayEnd: string;
  readonly siteEnd: string;
  readonly gatewayEnd6?: string;
  readonly siteEnd6?: string;
  /** All addresses of these prefixes are the site's own. */
  readonly prefixes: readonly string[];
}

export const OFFICE_PREFIX = '10.20.0.0/24';
export const BRANCH_PREFIX = '10.20.1.0/24';
export const DOMAIN = 'office.example';

/** The vendor part is one that virtual machines really have. */
function host(name: string, number: number): Host {
  return {
    name,
    address: `10.20.0.${number}`,
    address6: `fd42:20::${number}`,
    mac: `00:16:3e:14:00:${number.toString(16).padStart(2, '0')}`,
  };
}

export const GATEWAY = host('gateway', 1);
export const ADMIN = host('admin', 5);
export const WEB = host('web', 10);
export const LOGIN = host('login', 22);
export const FILES = host('files', 30);
export const APP = host('app', 40);
export const DNS = host('dns', 53);
export const CAMERA = host('camera', 60);
export const PRINTER = host('printer', 61);
export const PCS = [1, 2, 3, 4, 5, 6].map((i) => host(`pc${i}`, 100 + i));

/** What a large office has besides: 36 computers and 15 sensors. With the others 60 devices. */
export const MORE_PCS = Array.from({ length: 36 }, (_, i) => host(`pc${i + 7}`, 107 + i));
export const SENSORS = Array.from({ length: 15 }, (_, i) => host(`sensor${i + 1}`, 70 + i));

/** In the inventory still, switched off long ago. */
export const RETIRED = host('oldserver', 35);

export const DEVICES = [ADMIN, CAMERA, PRINTER, ...PCS] as const;
export const OFFICE = [GATEWAY, WEB, LOGIN, FILES, APP, DNS, ...DEVICES] as const;

/** Joins later and has its address from DHCP; its MAC is of the random kind that laptops show. */
export const LAPTOP = { name: 'laptop', mac: '06:5b:1c:a9:3e:77' } as const;

export const BRANCH: Site = {
  name: 'branch',
  gatewayEnd: '10.20.1.1/24',
  siteEnd: '10.20.1.10/24',
  prefixes: ['10.20.1.25/32', '10.20.1.40/32'],
};

export const INTERNET: Site = {
  name: 'internet',
  gatewayEnd: '198.18.255.1/30',
  siteEnd: '198.18.255.2/30',
  gatewayEnd6: '2001:db8:ff::1/64',
  siteEnd6: '2001:db8:ff::2/64',
  prefixes: ['192.0.2.0/24', '198.51.100.0/24', '198.18.0.0/24', '2001:db8:1::/64'],
};

export const OUTSIDER: Site = {
  name: 'outsider',
  gatewayEnd: '203.0.113.65/30',
  siteEnd: '203.0.113.66/30',
  prefixes: [],
};

export const SITES = [BRANCH, INTERNET, OUTSIDER] as const;

/** Its name server is the outsider: whoever asks for names below it talks to that one. */
export const TUNNEL_DOMAIN = 't.outside.example';

export const TIME_SERVER = '192.0.2.123';

/** Names on the internet; those with a second address have AAAA records too. */
export const PUBLIC_NAMES = [
  { name: 'shop.example', addresses: ['192.0.2.10', '2001:db8:1::10'] },
  { name: 'news.example', addresses: ['192.0.2.20', '2001:db8:1::20'] },
  { name: 'mail.example', addresses: ['198.51.100.30'] },
  { name: 'updates.example', addresses: ['192.0.2.40'] },
  { name: 'time.example', addresses: [TIME_SERVER] },
] as const;

export function officeName(host: { readonly name: string }): string {
  return `${host.name}.${DOMAIN}`;
}
