/**
 * What `parley redirect` asks of the packet filter: one nftables table of its
 * own for IPv4 and IPv6, replaced whole in one transaction.
 *
 * The syntax is that of nft(8) 1.0; `socket wildcard` needs Linux 5.11, NAT in
 * a table for both families 5.2. The roles of the two listeners, their ports,
 * the user id and the mark are those that Istio's sidecars use, so that
 * operators meet numbers they know.
 *
 * @module
 */
import { formatPorts, type PortRange } from "./ports.ts";

/** The table's family and name. Nothing outside of it is touched. */
export const TABLE = "inet parley";

/** What an operator who names nothing gets. */
export const DEFAULTS = {
  /** The sidecar's user id, whose connections are left alone. */
  uid: 1337,
  /** Where connections go that leave this namespace. */
  egressPort: 15001,
  /** Where connections go that come in. */
  ingressPort: 15006,
  /** The mark of packets that TPROXY took. */
  mark: 0x539,
} as const;

/** What is to be redirected, and where to. Made of valid values only. */
export interface Redirect {
  /** For what comes in. A mark: by TPROXY, else by NAT. */
  readonly ingress?: Taken & { readonly mark?: number };
  /** For what processes of this namespace open. */
  readonly egress?: Taken & {
    /** Users beside the sidecar whose connections are left alone. */
    readonly excludedUids?: readonly number[];
  };
  /** The sidecar's own user id. */
  readonly uid: number;
}

/** What one direction takes, and where to. */
export interface Taken {
  /** In order, disjoint, none of them a listener's own. */
  readonly ports: readonly PortRange[];
  readonly to: number;
}

/** The counters of the table. Those of NAT count connections, the others packets. */
export type Counter =
  | "ingress_taken"
  | "egress_taken"
  | "own_passed"
  | "udp_dropped";

/** The script for `nft -f -`. Applied twice it leaves the same as once. */
export function rules(redirect: Redirect): string {
  const { ingress, egress } = redirect;
  const parts = [
    ...declarations(redirect),
    ...(ingress
      ? ingress.mark === undefined
        ? [ingressByNat(ingress.to)]
        : byTproxy(ingress.to, ingress.mark, redirect.uid)
      : []),
    ...(egress ? [egressByNat(egress, redirect.uid)] : []),
    ...(ingress ? [udpIn(ingress.mark === undefined)] : []),
    ...(egress ? [udpOut(egress, redirect.uid)] : []),
  ];
  // Naming the table makes it, if it is not there, so that deleting never fails.
  return `table ${TABLE}
delete table ${TABLE}
table ${TABLE} {
${parts.join("\n\n")}
}
`;
}

/** The script that leaves nothing of the table. */
export function removal(): string {
  return `table ${TABLE}
delete table ${TABLE}
`;
}

function declarations({ ingress, egress }: Redirect): string[] {
  const counters: Counter[] = [
    ...(ingress ? ["ingress_taken" as const] : []),
    ...(egress ? ["egress_taken" as const, "own_passed" as const] : []),
    "udp_dropped",
  ];
  return [
    ...counters.map((name) => `  counter ${name} {\n  }`),
    ...(ingress ? [portSet("ingress_ports", ingress)] : []),
    ...(egress ? [portSet("egress_ports", egress)] : []),
  ];
}

function portSet(name: string, { ports }: Taken): string {
  return `  set ${name} {
    type inet_service
    flags interval
    elements = { ${formatPorts(ports)} }
  }`;
}

/**
 * What a peer opens to an address of this namespace. What is only routed
 * through (`fib daddr type`) is nothing that this sidecar guards. Connections
 * of this namespace to itself never come here: for them NAT has been decided
 * in the output hook.
 */
function ingressByNat(port: number): string {
  return `  chain ingress {
    type nat hook prerouting priority -100; policy accept;
    fib daddr type local tcp dport @ingress_ports counter name ingress_taken redirect to :${port}
  }`;
}

/**
 * What comes in or is routed through, without a change to its addresses: as
 * Documentation/networking/tproxy.rst of Linux has it, for nftables.
 *
 * - `socket transparent 1` is what belongs to a connection that the proxy holds
 *   already, towards either side; a listener (`wildcard 1`) does not count, or it
 *   would take connections that only happen to name its port.
 * - Without a listener the `tproxy` statement lets packets go on, past the
 *   proxy; so what follows refuses them.
 * - The application here answers to the client's address: those packets carry
 *   the connection's mark, so that they stay here and reach the proxy.
 */
function byTproxy(port: number, mark: number, uid: number): string[] {
  const hex = formatMark(mark);
  return [
    `  chain ingress {
    type filter hook prerouting priority mangle; policy accept;
    iifname "lo" return
    meta l4proto tcp socket wildcard 0 socket transparent 1 meta mark set ${hex} accept
    tcp dport @ingress_ports counter name ingress_taken tproxy to :${port} meta mark set ${hex} accept
    tcp dport @ingress_ports reject with tcp reset
  }`,
    `  chain answers {
    type route hook output priority mangle; policy accept;
    oifname "lo" meta skuid ${uid} tcp dport @ingress_ports ct mark set ${hex}
    ct mark ${hex} ct direction reply meta mark set ${hex}
  }`,
  ];
}

/**
 * What processes here open to elsewhere. What leaves by `lo` stays here: the
 * workload's connections to itself, and the sidecar's to the workload.
 */
function egressByNat(egress: Egress, uid: number): string {
  // nft before 1.0.8 knows the name of this priority for prerouting only.
  return `  chain egress {
    type nat hook output priority -100; policy accept;
    oifname "lo" return
    meta skuid ${uid} tcp dport @egress_ports counter name own_passed return
    ${
    excluded(egress)
  }tcp dport @egress_ports counter name egress_taken redirect to :${egress.to}
  }`;
}

type Egress = NonNullable<Redirect["egress"]>;

/** The line that lets others than the sidecar pass, if there are any. */
function excluded({ excludedUids = [] }: Egress): string {
  if (excludedUids.length === 0) return "";
  return `meta skuid { ${excludedUids.join(", ")} } return\n    `;
}

/** A reply to what was asked from here, from one of these ports or to one, is not dropped. */
function udpIn(onlyLocal: boolean): string {
  const local = onlyLocal ? "fib daddr type local " : "";
  return `  chain udp_ingress {
    type filter hook prerouting priority filter; policy accept;
    iifname "lo" return
    ct direction original ${local}udp dport @ingress_ports counter name udp_dropped drop
  }`;
}

function udpOut(egress: Egress, uid: number): string {
  return `  chain udp_egress {
    type filter hook output priority filter; policy accept;
    oifname "lo" return
    meta skuid ${uid} return
    ${
    excluded(egress)
  }ct direction original udp dport @egress_ports counter name udp_dropped drop
  }`;
}

/** As `nft list` and `ip rule` show it. */
export function formatMark(mark: number): string {
  return `0x${mark.toString(16)}`;
}
