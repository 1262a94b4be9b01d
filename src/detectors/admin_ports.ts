/**
 * Ports by which one computer is run from another: SSH, Telnet, RPC, NetBIOS and SMB, RDP, VNC, WinRM.
 * Of what else listens, few machines that are asked go on to ask the same of others.
 */
export const ADMIN_PORTS: ReadonlySet<number> = new Set([
  22, 23, 135, 139, 445, 2222, 2323, 3389, 5900, 5985, 5986,
]);
