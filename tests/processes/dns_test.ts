/** Names in policies: asked for through Parley, learnt by every worker, released then; and what is left when a part of it is gone. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { failure } from "../../proxy/dns/message.ts";
import { query, reply } from "../../proxy/dns/testkit.ts";
import { poll } from "../e2e/wait.ts";
import { ask } from "./admin_client.ts";
import {
  a,
  exchange,
  isAsked,
  lookUp,
  lookUp6,
  lookUpByTcp,
  loopback6,
  Resolver,
  type Zone,
} from "./dns.ts";
import { Scraped } from "./metrics.ts";
import { gone, ignore, type Options, Parley, send, stop } from "./parley.ts";
import { LineServer } from "./servers.ts";

const REFUSED = 5;
const SERVFAIL = 2;
const HERE = "127.0.0.1";
const ELSEWHERE = "127.0.0.2";
const DB = "db.example.test";

function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name, ignore, fn: run });
}

/** Queries for `*.example.test` to a resolver, and connections to where one of them leads. */
function policy(resolver: Resolver): string {
  return JSON.stringify({
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "names" },
    spec: {
      endpointSelector: { matchLabels: { app: "guarded" } },
      egress: [
        {
          toPorts: [{
            ports: [{ port: String(resolver.port), protocol: "ANY" }],
            rules: { dns: [{ matchPattern: "*.example.test" }] },
          }],
        },
        { toFQDNs: [{ matchName: DB }] },
      ],
    },
  });
}

/** Listeners `here` and `elsewhere` lead to the server's port at two addresses. */
function options(
  server: LineServer,
  resolver: Resolver,
  dns: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Options {
  const port = server.address.split(":")[1];
  const listener = (name: string, address: string) => {
    return { name, direction: "egress", upstream: `${address}:${port}` };
  };
  return {
    config: {
      dns: { resolvers: [resolver.address], ...dns },
      policies: ["policies/"],
      ...more,
      listeners: [listener("here", HERE), listener("elsewhere", ELSEWHERE)],
    },
    policies: { "names.yaml": policy(resolver) },
  };
}

const PROXY = { listen: `${HERE}:0`, minTtl: "1h" };

/** The port at which the sidecar answers queries. */
async function dnsPort(parley: Parley, from = 0): Promise<number> {
  const line = await parley.until(/queries are answered at/, from);
  await parley.until(/dns: live/, from);
  return Number(/:(\d+)"/.exec(line.slice(line.indexOf("answered at")))![1]);
}

/** Whether a connection to a listener is let through. */
async function reaches(parley: Parley, listener: string): Promise<boolean> {
  using wire = await parley.connect(listener);
  return await wire.ask("hello\n", "\n").catch(() => "") === "hello\n";
}

/** What a resolver was asked; one that takes its time is asked again. */
function questions({ asked }: Resolver): string[] {
  return [...new Set(asked)];
}

function addresses(records: readonly { readonly value: string }[]): string[] {
  return records.map(({ value }) => value);
}

test("a connection is allowed to where an answer leads, and to nowhere else", async () => {
  await using server = new LineServer();
  await using resolver = await Resolver.start({
    [DB]: [
      [DB, 5, 60, [4, ...new TextEncoder().encode("edge"), 0]],
      a("edge", HERE, 60),
    ],
  });
  await using parley = await Parley.start(
    options(server, resolver, PROXY, { data: { workers: 2 } }),
  );
  const port = await dnsPort(parley);
  assertEquals(await reaches(parley, "here"), false, "nothing is known yet");

  const found = await lookUp(port, DB);
  assertEquals(addresses(found.records), ["edge.", HERE]);
  // Whichever worker it comes to.
  for (let i = 0; i < 8; i++) assert(await reaches(parley, "here"));
  assertEquals(await reaches(parley, "elsewhere"), false);
  const line = await parley.log.one({ type: "request", verdict: "forwarded" });
  assertEquals(line.fields, { name: DB, type: "A" });
  assertEquals(line.rule, "default/names#spec.egress[0].toPorts[0].dns[0]");
});

test("a name that no rule covers is refused and logged, over UDP and TCP, and nobody is asked", async () => {
  await using server = new LineServer();
  await using resolver = await Resolver.start({});
  await using parley = await Parley.start(options(server, resolver, PROXY));
  const port = await dnsPort(parley);
  const evil = "evil.test";
  const cases = [lookUp(port, evil), lookUpByTcp(port, evil)];
  for (const { rcode } of await Promise.all(cases)) {
    assertEquals(rcode, REFUSED);
  }
  const lines = await parley.log.expect(2, {
    type: "request",
    verdict: "denied",
    reason: "no-rule",
  });
  assertEquals(lines.map(({ fields }) => fields["name"]), [evil, evil]);
  const counted = await Scraped.of(parley.adminSocket);
  const denied = { l7proto: "dns", verdict: "denied" };
  assertEquals(counted.sum("parley_requests_total", denied), 2);
  assertEquals(
    counted.sum("parley_request_duration_seconds_count", denied),
    2,
  );
  // The next policy allows it.
  await parley.savePolicy(
    "names.yaml",
    policy(resolver).replace("*.example.test", "evil.*"),
  );
  await parley.until(/policy version 2 is in force/);
  assertEquals((await lookUp(port, evil)).rcode, 0);
  assertEquals((await lookUp(port, DB)).rcode, REFUSED);
  assertEquals(questions(resolver), [`${evil} UDP`]);
});

test("what does not fit into a datagram is asked for over TCP, and learnt", async () => {
  await using server = new LineServer();
  await using resolver = await Resolver.start({ [DB]: [a(DB, HERE, 60)] });
  resolver.truncates = true;
  await using parley = await Parley.start(options(server, resolver, PROXY));
  const port = await dnsPort(parley);
  const cut = await lookUp(port, DB);
  assertEquals([cut.isTruncated, cut.records], [true, []]);
  assertEquals(addresses((await lookUpByTcp(port, DB)).records), [HERE]);
  assert(await reaches(parley, "here"));
});

test("an answer is not released before every worker knows its addresses", async () => {
  await using server = new LineServer();
  await using resolver = await Resolver.start({ [DB]: [a(DB, HERE, 60)] });
  await using parley = await Parley.start(
    options(server, resolver, PROXY, { data: { workers: 2 } }),
  );
  const port = await dnsPort(parley);
  const [worker] = await parley.freshWorkers(2);
  await stop(worker!);
  let found;
  try {
    found = await lookUp(port, DB);
  } finally {
    send(worker!, "SIGCONT");
  }
  assertEquals(questions(resolver), [`${DB} UDP`], "the resolver did answer");
  assertEquals([found.rcode, found.records], [SERVFAIL, []]);
  await parley.log.one({ type: "response", reason: "not-learnt" });
  assertEquals(addresses((await lookUp(port, DB)).records), [HERE]);
});

test("an address counts until its life is over; a connection that uses it goes on", async () => {
  await using server = new LineServer();
  const both = [a(DB, HERE, 1), a(DB, ELSEWHERE, 1)];
  await using resolver = await Resolver.start({ [DB]: both });
  await using parley = await Parley.start(
    options(server, resolver, { ...PROXY, minTtl: "0s" }),
  );
  const port = await dnsPort(parley);
  // Who comes late finds that it is over.
  const wire = await poll(async () => {
    await lookUp(port, DB);
    const wire = await parley.connect("here");
    if (await wire.ask("1\n", "\n").catch(() => "") === "1\n") return wire;
    wire.close();
  }, () => "connection in time");
  // Nobody listens there: it is tried until it is denied instead.
  await poll(async () => {
    using elsewhere = await parley.connect("elsewhere");
    await elsewhere.readToEnd();
    const { verdict } = await parley.log.closed(elsewhere);
    return verdict === "denied" || undefined;
  }, () => "end of what nobody uses");
  assertEquals(await wire.ask("2\n", "\n"), "2\n", "it is in use");
  assert(await reaches(parley, "here"), "while it is in use it counts");
  wire.close();
  await poll(
    async () => await reaches(parley, "here") ? undefined : true,
    () => "end of what is in use no more",
  );
});

test("forged answers are passed over: of another number, to another question", async () => {
  await using server = new LineServer();
  await using resolver = await Resolver.start({ [DB]: [a(DB, HERE, 60)] });
  await using parley = await Parley.start(options(server, resolver, PROXY));
  const port = await dnsPort(parley);
  resolver.forge = (asked) => {
    const lie = (name: string) => a(name, ELSEWHERE, 60);
    const otherNumber = reply(asked, [lie(DB)]);
    otherNumber[0]! ^= 1;
    const id = asked[0]! << 8 | asked[1]!;
    const otherName = "other.example.test";
    return [
      otherNumber,
      reply(query(id, otherName), [lie(otherName)]),
      reply(query(id, DB, 28), [lie(DB)]),
      reply(asked, [lie(DB)]).subarray(0, -1),
      failure(asked, 0).subarray(0, 12),
    ];
  };
  assertEquals(addresses((await lookUp(port, DB)).records), [HERE]);
  assertEquals(await reaches(parley, "elsewhere"), false);
});

test("bytes that are no query harm nobody, and a query keeps its EDNS", async () => {
  await using server = new LineServer();
  await using resolver = await Resolver.start({ [DB]: [a(DB, HERE, 60)] });
  await using parley = await Parley.start(options(server, resolver, PROXY));
  const port = await dnsPort(parley);
  const whole = query(9, DB);
  const round = whole.slice();
  round.set([0xc0, 12], 12);
  assertEquals((await exchange(port, round))[3]! & 15, 1, "FORMERR");
  let seen: Uint8Array | undefined;
  resolver.forge = (asked) => {
    seen = asked;
    return [];
  };
  const edns = [0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 0];
  const asked = query(9, DB, 1, edns);
  await exchange(port, asked);
  assertEquals(seen!.subarray(2), asked.subarray(2));
});

test("a resolver that is gone leaves what is known; its age is told, and it is found again", async () => {
  await using server = new LineServer();
  await using resolver = await Resolver.start({ [DB]: [a(DB, HERE, 1)] });
  await using parley = await Parley.start(
    options(server, resolver, { ...PROXY, minTtl: "10s" }),
  );
  const port = await dnsPort(parley);
  await lookUp(port, DB);
  const over = Date.now() + 12_000;
  resolver.isSilent = true;
  assertEquals((await lookUp(port, "x.example.test")).rcode, SERVFAIL);
  await parley.until(
    /dns: stale, last heard \d+ s ago: resolver .*no answer.*known before counts/,
  );
  const { body } = await ask(parley.adminSocket, "GET", "/v1/status");
  const dns = body.identities.find((each: { name: string }) =>
    each.name === "dns"
  );
  assertEquals([dns.state, dns.ageMs >= 0], ["stale", true]);
  await poll(
    () => Date.now() > over || undefined,
    () => "end of the address's life",
  );
  assert(await reaches(parley, "here"), "it is not forgotten meanwhile");
  const from = parley.said.length;
  resolver.isSilent = false;
  await parley.until(/dns: live/, from);
  await poll(
    async () => await reaches(parley, "here") ? undefined : true,
    () => "end of what was held",
  );
  assertEquals((await lookUp(port, DB)).rcode, 0);
});

test("a process for DNS that dies is replaced, and the connections go on", async () => {
  await using server = new LineServer();
  await using resolver = await Resolver.start({ [DB]: [a(DB, HERE, 60)] });
  await using parley = await Parley.start(options(server, resolver, PROXY));
  await lookUp(await dnsPort(parley), DB);
  const wire = await parley.connect("here");
  const from = parley.said.length;
  const pid = await parley.dns();
  send(pid, "SIGKILL");
  await gone(pid);
  await parley.until(/its process ended with signal SIGKILL/, from);
  assertEquals(await wire.ask("x\n", "\n"), "x\n");
  assert(await reaches(parley, "here"));
  const port = await dnsPort(parley, from);
  assertEquals((await lookUp(port, DB)).rcode, 0);
  // A worker that starts now knows what was learnt before.
  const [worker] = await parley.workers();
  send(worker!, "SIGKILL");
  await parley.until(/has taken its place/, from);
  assert(await reaches(parley, "here"));
  wire.close();
});

test("without an address to listen at, the names of policies are looked up, and again", async () => {
  await using server = new LineServer();
  const zone: Zone = { [DB]: [a(DB, ELSEWHERE, 1)] };
  await using resolver = await Resolver.start(zone);
  await using parley = await Parley.start(
    options(server, resolver, { minTtl: "0s" }),
  );
  await isAsked(resolver, `${DB} UDP`);
  zone[DB] = [a(DB, HERE, 1)];
  const from = resolver.asked.length;
  await isAsked(resolver, `${DB} UDP`, from);
  await poll(
    async () => await reaches(parley, "here") ? true : undefined,
    () => "connection to the new address",
  );
});

test("the process for DNS is walled in", async () => {
  await using server = new LineServer();
  await using resolver = await Resolver.start({});
  await using parley = await Parley.start(options(server, resolver, PROXY));
  await dnsPort(parley);
  const pid = await parley.dns();
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  for (const wall of [/^NoNewPrivs:\s*1$/m, /^Seccomp:\s*2$/m]) {
    assert(wall.test(status), String(wall));
  }
});

test("switched on, changed and switched off while it runs", async () => {
  await using server = new LineServer();
  await using resolver = await Resolver.start({ [DB]: [a(DB, HERE, 60)] });
  const on = options(server, resolver, PROXY);
  const { dns: _, ...off } = on.config;
  await using parley = await Parley.start({ ...on, config: off });
  assertEquals(await reaches(parley, "here"), false);
  await parley.configure(on.config);
  parley.signal("SIGHUP");
  await lookUp(await dnsPort(parley), DB);
  assert(await reaches(parley, "here"));
  const pid = await parley.dns();
  await parley.configure(off);
  parley.signal("SIGHUP");
  await gone(pid);
});

test("IPv6: asked for over it, learnt, connected to", async () => {
  await using server = new LineServer(undefined, "::1");
  await using resolver = await Resolver.start({ [DB]: [loopback6(DB, 60)] });
  const { config, policies } = options(server, resolver, PROXY);
  await using parley = await Parley.start({
    config: {
      ...config,
      dns: { ...PROXY, resolvers: [resolver.address], listen: "[::1]:0" },
      listeners: [{
        name: "six",
        direction: "egress",
        upstream: server.address,
      }],
    },
    policies: policies!,
  });
  const port = await dnsPort(parley);
  assertEquals(await reaches(parley, "six"), false, "nothing is known yet");
  assertEquals((await lookUp6(port, DB)).records.length, 1);
  assert(await reaches(parley, "six"));
  const asked = await parley.log.one({ type: "request", verdict: "forwarded" });
  assertEquals(asked.fields, { name: DB, type: "AAAA" });
  assert(asked.source.address.startsWith("[::1]:"));
});

test("an upstream that is configured by name is judged by where the name leads, and toFQDNs knows it", async () => {
  await using server = new LineServer();
  const port = server.address.split(":")[1];
  const localhost = (egress: object) =>
    JSON.stringify([{
      endpointSelector: { matchLabels: { app: "guarded" } },
      egress: [egress],
      egressDeny: [{ toCIDR: ["192.0.2.1"] }],
    }]);
  const listener = {
    name: "here",
    direction: "egress",
    upstream: `localhost:${port}`,
  };
  await using parley = await Parley.start({
    config: { policies: ["policies/"], listeners: [listener] },
    policies: {
      "p.json": localhost({ toFQDNs: [{ matchName: "localhost" }] }),
    },
  });
  // Which of its addresses comes first, and is served, is the machine's business.
  const isDenied = async () => {
    using wire = await parley.connect("here");
    await wire.ask("x\n", "\n").catch(() => "");
    wire.close();
    return (await parley.log.closed(wire)).verdict === "denied";
  };
  assertEquals(await isDenied(), false);
  for (
    const [version, egress, want] of [
      [2, { toFQDNs: [{ matchName: "other.test" }] }, true],
      [3, { toCIDR: ["127.0.0.0/8", "::1"] }, false],
      [4, { toCIDR: ["192.0.2.0/24"] }, true],
    ] as const
  ) {
    await parley.savePolicy("p.json", localhost(egress));
    await parley.until(new RegExp(`policy version ${version} is in force`));
    assertEquals(await isDenied(), want, JSON.stringify(egress));
  }
});

test("a listener whose upstream has a name works from SIGHUP on", async () => {
  await using server = new LineServer();
  const port = server.address.split(":")[1];
  const first = { name: "first", upstream: server.address };
  const named = { name: "named", upstream: `localhost:${port}` };
  await using parley = await Parley.start({ config: { listeners: [first] } });
  await parley.configure({ listeners: [first, named] });
  parley.signal("SIGHUP");
  await parley.port("named");
  using wire = await parley.connect("named");
  wire.close();
  const line = await parley.log.closed(wire);
  assertEquals(line.reason, undefined, JSON.stringify(line.fields));
});
