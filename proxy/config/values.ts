/**
 * The values that parley.yaml is written in: durations, addresses, labels. Each
 * says what is wrong with it, and how to mend it.
 *
 * @module
 */
import { z } from "zod";
import { parseAddress as parseIp, parsePrefix } from "../../policy/cidr.ts";
import {
  isDnsLabel,
  isLabelKey,
  isLabelValue,
  parseLabel,
} from "../../policy/labels.ts";
import type { NamedPort } from "../../policy/model.ts";
import { quote } from "../../policy/problem.ts";
import type { Address, TcpAddress } from "./model.ts";

/** The longest delay that timers take; a longer one would fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

const DNS_PORT = 53;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A check that speaks for itself: what is wrong, and how to mend it. */
interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly mend: string;
}

export function refuse(
  context: z.core.$RefinementCtx,
  refusal: Refusal,
): never {
  const { code, message, mend } = refusal;
  context.addIssue({ code: "custom", message, params: { code, mend } });
  return z.NEVER;
}

/** A duration in milliseconds, `least` or more. */
export function duration(least: number) {
  return z.string().transform((text, context) => {
    const [, digits, unit] = /^(\d{1,10})(ms|s|m|h)$/.exec(text) ?? [];
    if (digits === undefined) {
      return refuse(context, {
        code: "config.duration",
        message: `${quote(text)} is not a duration`,
        mend: "write a whole number and a unit, such as 20ms, 5s, 1m or 1h",
      });
    }
    const value = Number(digits) * UNITS[unit as keyof typeof UNITS];
    if (value >= least && value <= LONGEST_DELAY) return value;
    return refuse(context, {
      code: "config.duration",
      message: `the duration ${quote(text)} is out of range`,
      mend: `write a duration from ${least}ms to 596h`,
    });
  }).meta({
    description: "a duration such as 20ms, 5s, 1m or 1h",
    pattern: "^\\d{1,10}(ms|s|m|h)$",
  });
}

export const listenAddress = z.string().transform((text, context) => {
  return readTcp(text, 0, context);
}).describe("host:port or [v6]:port; port 0 picks a free one");

/** Where a redirected connection was meant to go. */
const ORIGINAL = "original-dst";

export const upstreamAddress = z.string().transform(
  (text, context): Address | typeof ORIGINAL => {
    if (text === ORIGINAL) return ORIGINAL;
    if (!text.startsWith("unix:")) return readTcp(text, 1, context);
    const path = text.slice("unix:".length);
    if (path !== "") return { transport: "unix", path };
    return refuse(context, {
      code: "config.address",
      message: "the Unix socket has no path",
      mend: "write unix: and the path of the socket",
    });
  },
).describe("host:port, [v6]:port, unix:PATH or original-dst");

function readTcp(
  text: string,
  leastPort: number,
  context: z.core.$RefinementCtx,
): TcpAddress {
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]*)\]|([^:[\]\s/]+)):(\d+)$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  const isBadV6 = bracketed !== undefined &&
    !(bracketed.includes(":") && parseIp(bracketed) !== undefined);
  if (hostname === undefined || isBadV6) {
    return refuse(context, {
      code: "config.address",
      message: `${quote(text)} is not an address`,
      mend: "write host:port, such as 127.0.0.1:11211 or [::1]:11211",
    });
  }
  const port = Number(digits);
  if (port >= leastPort && port <= 65535) {
    return { transport: "tcp", hostname, port };
  }
  return refuse(context, {
    code: "config.port",
    message: `the port of ${quote(text)} is out of range`,
    mend: `write a port from ${leastPort} to 65535`,
  });
}

/** Where DNS is spoken: names would have to be resolved first. */
function dnsAddress(leastPort: number, description: string) {
  return z.string().transform((text, context) => {
    const address = parseIp(text) === undefined
      ? readTcp(text, leastPort, context)
      : { transport: "tcp" as const, hostname: text, port: DNS_PORT };
    const isRefused = context.issues.length > 0;
    if (isRefused || parseIp(address.hostname) !== undefined) return address;
    return refuse(context, {
      code: "config.dns-name",
      message: `${quote(text)} is a name, and names are resolved here`,
      mend: "write an IP address, such as 10.96.0.10 or 127.0.0.1:53",
    });
  }).describe(description);
}

export const dnsListenAddress = dnsAddress(
  0,
  "an IP address, or one with a port (53 unless given; 0 picks a free one)",
);

export const resolverAddress = dnsAddress(
  1,
  "an IP address, or one with a port (53 unless given)",
);

export const namespace = z.string().check((context) => {
  if (isDnsLabel(context.value)) return;
  context.issues.push({
    code: "custom",
    input: context.value,
    message: `${quote(context.value)} is not a name of a namespace`,
    params: {
      code: "config.namespace",
      mend: "write at most 63 lower-case letters, digits and '-'",
    },
  });
}).default("default");

export const labels = z.record(z.string(), z.string()).check((context) => {
  for (const [name, value] of Object.entries(context.value)) {
    const { key, source } = parseLabel(name);
    const isKey = !name.includes("=") && source !== "" && isLabelKey(key);
    if (isKey && isLabelValue(value)) continue;
    context.issues.push({
      code: "custom",
      input: value,
      path: [name],
      message: isKey
        ? `${quote(value)} cannot be the value of a label`
        : `${quote(name)} cannot be the key of a label`,
      params: {
        code: "config.label",
        mend: isKey
          ? "write at most 63 letters, digits, '-', '_' and '.' as the value"
          : "write [source:][domain/]name as the key",
      },
    });
  }
}).describe("keys are of source k8s unless a source is written").default({});

/** Ports of TCP by their names. */
export const ports = z.record(
  z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, {
    error: "a name of lower-case letters, digits and '-'",
  }),
  z.int().min(1).max(65535),
).transform((written): NamedPort[] =>
  Object.entries(written)
    .map(([name, port]) => ({ name, port, protocol: "TCP" }))
).describe("names that policies may use for ports of TCP, such as web: 8080");

export const ipAddress = z.string().check((context) => {
  if (parseIp(context.value) !== undefined) return;
  context.issues.push({
    code: "custom",
    input: context.value,
    message: `${quote(context.value)} is not an IP address`,
    params: {
      code: "config.ip",
      mend: "write an address such as 10.0.0.5 or 2001:db8::5",
    },
  });
});

export const cidr = z.string().check((context) => {
  const text = context.value;
  if (parseIp(text) !== undefined || parsePrefix(text) !== undefined) return;
  context.issues.push({
    code: "custom",
    input: text,
    message: `${quote(text)} is neither an IP address nor a prefix`,
    params: {
      code: "config.cidr",
      mend: "write an address such as 10.0.0.1, or a prefix such as 10.0.0.0/8",
    },
  });
});

export const path = z.string().check((context) => {
  if (context.value !== "") return;
  context.issues.push({
    code: "custom",
    input: context.value,
    message: "the path is empty text",
    params: {
      code: "config.path",
      mend: "write a path; relative ones start at the folder of this file",
    },
  });
});

const HOSTNAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;

export const hostname = z.string().check((context) => {
  if (HOSTNAME.test(context.value)) return;
  context.issues.push({
    code: "custom",
    input: context.value,
    message: `${quote(context.value)} is not a name of a host`,
    params: {
      code: "config.hostname",
      mend: "write a name such as parley.example, without a port",
    },
  });
});

/** An origin of https: a token is sent there. */
export const controllerUrl = z.string().transform((text, context) => {
  const url = URL.parse(text);
  if (url?.protocol === "https:" && url.href === `${url.origin}/`) {
    return url.origin;
  }
  return refuse(context, {
    code: "config.controller-url",
    message: `${quote(text)} is not where a controller is`,
    mend:
      "write https://, a host and a port if it is not 443, such as https://parley-controller.parley-system.svc",
  });
}).meta({ type: "string", pattern: "^https://" });
