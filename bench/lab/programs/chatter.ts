// What desktops tell everyone: mDNS queries, SSDP searches, and a broadcast of their own.
// Arguments: own address, name of the device, seconds between rounds.
import { createSocket } from 'node:dgram';

const [address = '', name = 'device', seconds = '20'] = process.argv.slice(2);
const SERVICES = ['_ipp._tcp', '_airplay._tcp', '_smb._tcp', '_googlecast._tcp'];
const CLASS_IN = 1;
const TYPE_PTR = 12;

const names = createSocket({ type: 'udp4', reuseAddr: true });
const rest = createSocket('udp4');
names.bind(5353, () => {
  names.setMulticastInterface(address);
  names.addMembership('224.0.0.251', address);
  rest.bind(0, () => {
    rest.setBroadcast(true);
    speak();
    setInterval(speak, Number(seconds) * 1000);
  });
});

function speak(): void {
  for (const service of SERVICES) names.send(question(`${service}.local`), 5353, '224.0.0.251');
  rest.send(SEARCH, 1900, '239.255.255.250');
  rest.send(Buffer.from(`HELLO ${name}\n`), 17500, '255.255.255.255');
}

const SEARCH = Buffer.from(
  'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 2\r\nST: ssdp:all\r\n\r\n',
);

function question(fullName: string): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const labels = fullName
    .split('.')
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, TYPE_PTR, 0, CLASS_IN])]);
}
