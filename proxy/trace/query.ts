/**
 * What is asked of a policy, as people write it: who, to whom, at which port.
 *
 * @module
 */
import { parseAddress, parsePrefix } from "../../policy/cidr.ts";
import {
  isLabelKey,
  isLabelValue,
  NAMESPACE_KEY,
  parseLabel,
} from "../../policy/labels.ts";
import {
  endpointLabels,
  type Identities,
  type Peer,
  type Protocol,
  type Query,
  type Service,
  type Subject,
} from "../../policy/mod.ts";
import { normalizeName } from "../../policy/dns_name.ts";
import { oneOf } from "../../policy/problem.ts";
import { WrongQuestion } from "./wrong_question.ts";

/** The options that name a connection, and what is known of its ends. */
export interface QueryOptions {
  readonly to?: string;
  readonly from?: string;
  readonly port: string;
  readonly protocol?: string;
  readonly egress?: boolean;
  /** DNS names that lead to the peer. */
  readonly name?: readonly string[];
  /** Services that lead to the peer: `[namespace/]name[:labels]`. */
  readonly service?: readonly string[];
  /** Names that the destination has for the port. */
  readonly portName?: readonly string[];
}

/** Who is known beside what the options say. */
export interface Known {
  readonly identities: Identities;
  /** The guarded workloads. */
  readonly workloads: readonly Subject[];
  /** The name of the cluster that workloads are of. */
  readonly cluster?: string | undefined;
}

/** A connection as the policy is asked about it. */
export function readQuery(options: QueryOptions, known: Known): Query {
  const { to, from, port, egress = false } = options;
  const [subject, peer] = egress
    ? [
      readSubject("from", from, " at egress", known),
      readPeer("to", to, known),
    ]
    : [
      readSubject("to", to, "", known),
      readPeer("from", from, known),
    ];
  const target = { port: readPort(port), protocol: readProtocol(options) };
  const ports = (options.portName ?? []).map((name) => ({ name, ...target }));
  const found: Peer = {
    ...peer,
    ...(options.name ? { names: options.name.map(readName) } : {}),
    ...(options.service ? { services: options.service.map(readService) } : {}),
  };
  // Only the destination's names for its ports are asked for.
  return egress
    ? {
      subject,
      direction: "egress",
      ...target,
      peer: { ...found, ports: [...found.ports ?? [], ...ports] },
    }
    : {
      subject: { ...subject, ports: [...subject.ports ?? [], ...ports] },
      direction: "ingress",
      ...target,
      peer: found,
    };
}

const PROTOCOLS: readonly Protocol[] = ["TCP", "UDP", "SCTP"];

function readProtocol({ protocol = "TCP" }: QueryOptions): Protocol {
  const known = PROTOCOLS.find((name) => name === protocol.toUpperCase());
  if (known !== undefined) return known;
  throw new WrongQuestion(
    `protocol ${JSON.stringify(protocol)} has no ports; write ${
      oneOf(PROTOCOLS)
    }`,
  );
}

function readName(text: string): string {
  const name = normalizeName(text);
  if (name !== undefined) return name;
  throw new WrongQuestion(
    `name ${
      JSON.stringify(text)
    } is not a name of a domain; write such as cilium.io`,
  );
}

function readService(text: string): Service {
  const [, namespace = "default", name, labels] =
    /^(?:([^/:]+)\/)?([^/:]+)(?::(.*))?$/.exec(text) ?? [];
  if (name !== undefined) {
    const all = labels === undefined ? [] : readLabels("service", labels);
    const own = all.filter((label) => parseLabel(label).key !== NAMESPACE_KEY);
    return { name, namespace, labels: own };
  }
  throw new WrongQuestion(
    `service ${
      JSON.stringify(text)
    } is not a service; write [namespace/]name, and :key=value,… for its labels`,
  );
}

function readPort(text: string): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65535) return port;
  throw new WrongQuestion(
    `port ${
      JSON.stringify(text)
    } is not a port; write a number from 1 to 65535`,
  );
}

/** A workload of the configuration has the names of its ports; without a word it is the only one there is. */
function readSubject(
  option: string,
  text: string | undefined,
  when: string,
  { workloads, cluster }: Known,
): Subject {
  if (text === undefined) {
    const [only, second] = workloads;
    if (only !== undefined && second === undefined) return only;
    throw new WrongQuestion(
      `${option} is missing${
        only === undefined
          ? ""
          : ", and the configuration has several endpoints"
      }; write the labels of the guarded workload`,
    );
  }
  if (parseAddress(text) === undefined) {
    const labels = readLabels(option, text, cluster);
    return workloads.find((known) => known.labels.join() === labels.join()) ??
      { labels };
  }
  throw new WrongQuestion(
    `${option} is the guarded workload${when}, and policies select it by labels; write its labels in place of ${text}`,
  );
}

/** Whoever is known at an address; labels have none. */
function readPeer(
  option: string,
  text: string | undefined,
  { identities, cluster }: Known,
): Peer {
  if (text === undefined) {
    throw new WrongQuestion(
      `${option} is missing; write the labels of the peer, or its address`,
    );
  }
  if (parseAddress(text) !== undefined) return identities.peerOf(text);
  if (parsePrefix(text) !== undefined) {
    throw new WrongQuestion(
      `${option} ${text} is a prefix; write one address of it`,
    );
  }
  return { address: "", labels: readLabels(option, text, cluster) };
}

/** `k=v,k=v`, in the namespace `default` unless a label says otherwise. */
function readLabels(
  option: string,
  text: string,
  cluster?: string,
): readonly string[] {
  const labels: Record<string, string> = {};
  let namespace = "default";
  for (const item of text.split(",")) {
    const { source, key, value } = parseLabel(item.trim());
    const name = source === "k8s" ? key : `${source}:${key}`;
    if (!/^[a-z][a-z0-9-]*$/.test(source) || !isLabelKey(key)) {
      throw new WrongQuestion(
        `${option}: ${
          JSON.stringify(item)
        } is neither a label nor an address; write [source:]key=value,… or an IP address`,
      );
    }
    if (!isLabelValue(value)) {
      throw new WrongQuestion(
        `${option}: ${
          JSON.stringify(value)
        } cannot be the value of a label; write at most 63 letters, digits, '-', '_' and '.'`,
      );
    }
    if (Object.hasOwn(labels, name)) {
      throw new WrongQuestion(
        `${option}: the label ${name} is given twice; keep one of the two`,
      );
    }
    if (name === NAMESPACE_KEY) namespace = value;
    labels[name] = value;
  }
  return endpointLabels(labels, namespace, cluster);
}
