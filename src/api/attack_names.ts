/** Names of the ATT&CK techniques that detectors speak of (attack.mitre.org). */
const TECHNIQUES: Readonly<Record<string, string>> = {
  T1018: 'Remote System Discovery',
  T1021: 'Remote Services',
  T1041: 'Exfiltration Over C2 Channel',
  T1046: 'Network Service Discovery',
  T1048: 'Exfiltration Over Alternative Protocol',
  T1071: 'Application Layer Protocol',
  'T1071.004': 'Application Layer Protocol: DNS',
  T1095: 'Non-Application Layer Protocol',
  T1110: 'Brute Force',
  T1190: 'Exploit Public-Facing Application',
  T1200: 'Hardware Additions',
  T1210: 'Exploitation of Remote Services',
  T1213: 'Data from Information Repositories',
  T1219: 'Remote Access Tools',
  T1451: 'SIM Card Swap',
  T1496: 'Resource Hijacking',
  T1498: 'Network Denial of Service',
  'T1498.001': 'Network Denial of Service: Direct Network Flood',
  'T1499.001': 'Endpoint Denial of Service: OS Exhaustion Flood',
  'T1499.002': 'Endpoint Denial of Service: Service Exhaustion Flood',
  'T1557.002': 'ARP Cache Poisoning',
  'T1568.002': 'Domain Generation Algorithms',
  T1572: 'Protocol Tunneling',
  T1573: 'Encrypted Channel',
  'T1573.002': 'Encrypted Channel: Asymmetric Cryptography',
  'T1595.003': 'Active Scanning: Wordlist Scanning',
  T1599: 'Network Boundary Bridging',
};

/** "T1046 Network Service Discovery"; the id alone where the name is not known. */
export function techniqueText(id: string): string {
  const name = TECHNIQUES[id];
  return name === undefined ? id : `${id} ${name}`;
}
