/** What requests and connections come to by upstream's example policies, where they are at hand, as `trace` answers with the real parsers. */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { existsSync } from "node:fs";
import { createIdentities } from "../../policy/mod.ts";
import { type LoadedParsers, withParsers } from "../loaded_parsers.ts";
import { readFields } from "./fields.ts";
import { type QueryOptions, readQuery } from "../../proxy/trace/query.ts";
import { answer } from "./trace.ts";

const FOLDER = new URL("../../../shared/policies/", import.meta.url);
const isAtHand = existsSync(FOLDER);

type Ask = Omit<QueryOptions, "port"> & { readonly port: number };

/** A document, a connection, the fields of its requests, and the verdicts: `+` allowed, `-` denied. */
const ROWS: readonly (readonly [
  file: string,
  ask: Ask,
  requests: Readonly<Record<string, "+" | "-">>,
])[] = [
  ...cassandra("app=empire-outpost", {
    "query_action=select query_table=system.local": "+",
    "query_action=select query_table=system_schema.tables": "+",
    "query_action=insert query_table=attendance.daily_records": "+",
    "query_action=insert query_table=xattendance.daily_records2": "+",
    "query_action=select query_table=attendance.daily_records": "-",
    "query_action=select query_table=deathstar.scrum_notes": "-",
  }),
  ...cassandra("app=empire-hq", {
    "query_action=select query_table=deathstar.scrum_notes": "+",
    "query_action=drop-table query_table=deathstar.scrum_notes": "+",
  }),
  ...cassandra("app=other", { "": "-" }),
  ["03-cassandra-allow-all", ask("id=cass-server", "192.0.2.1", 9042), {
    "query_action=drop-table query_table=a.b": "+",
  }],
  ["03-cassandra-allow-all", ask("id=cass-server", "192.0.2.1", 9043), {
    "": "-",
  }],
  ...memcached("app=a-wing", {
    "command=get keys=awing-coord": "+",
    "command=gets keys=awing-coord": "+",
    "command=set keys=awing-coord": "+",
    "command=get keys=xwing-coord": "-",
    "command=delete keys=awing-coord": "-",
    "command=quit": "-",
  }),
  ...memcached("app=x-wing", {
    "command=get keys=xwing-coord": "+",
    "command=set keys=xwing-coord": "+",
    "command=get keys=awing-coord": "-",
  }),
  ...memcached("name=fleet-tracker", {
    "command=get keys=awing-coord": "+",
    "command=get keys=xwing-coord": "+",
    "command=get keys=awing-coord keys=xwing-coord": "-",
    "command=set keys=awing-coord": "-",
  }),
  ["05-memcache-get-exact-key", client(), {
    "command=get keys=allowed": "+",
    "command=gets keys=allowed": "+",
    "command=get keys=other": "-",
    "command=set keys=allowed": "-",
  }],
  ["05-memcache-get-exact-key", { ...client(), from: "a=b" }, { "": "-" }],
  ["07-memcache-get-set", client(), {
    "command=get keys=any": "+",
    "command=set keys=any": "+",
    "command=delete keys=any": "-",
  }],
  ["07-memcache-get-set", { ...client(), from: "a=b" }, { "": "-" }],
  ...droid("role=reader", {
    "cmd=READ file=/private": "+",
    "cmd=read file=/private": "-",
    "cmd=WRITE file=/public/a": "-",
  }),
  ...droid("role=guest", {
    "cmd=READ file=/public/a": "+",
    "cmd=READ file=/x/public/y": "+",
    "cmd=READ file=/private": "-",
    "cmd=WRITE file=/public/a": "-",
  }),
  ...droid("role=editor", {
    "cmd=READ file=/public/a": "+",
    "cmd=WRITE file=/public/a": "+",
    "cmd=WRITE file=/private": "-",
    "cmd=HALT": "-",
  }),
  ...droid("role=stopper", { "cmd=HALT": "+", "cmd=READ file=/public/a": "-" }),
  ["17-fqdn-v13", outside("app=test-app", "192.0.2.1"), { "": "-" }],
  ["17-fqdn-v13", {
    ...outside("app=test-app", "192.0.2.1"),
    name: ["my-remote-service.com"],
  }, { "": "+" }],
  ["21-cidr-except", outside("app=myService", "20.1.1.1"), { "": "+" }],
  ["21-cidr-except", outside("app=myService", "10.100.1.1"), { "": "-" }],
  ["21-cidr-except", outside("app=myService", "10.112.0.1"), { "": "+" }],
  ["21-cidr-except", outside("app=myService", "app=pod"), { "": "-" }],
  ["23-entity-world", ask("role=public", "192.0.2.1", 1), { "": "+" }],
  ["23-entity-world", ask("role=public", "app=pod", 1), { "": "-" }],
  ["25-entity-apiserver", {
    ...outside("env=dev", "reserved:kube-apiserver="),
  }, { "": "+" }],
  ["25-entity-apiserver", outside("env=dev", "192.0.2.1"), { "": "-" }],
  ["37-serviceaccount", {
    to: "io.cilium.k8s.policy.serviceaccount=leia",
    from: "io.cilium.k8s.policy.serviceaccount=han",
    port: 1,
  }, { "": "-" }],
  ["39-ccnp-kubedns-from-all", {
    to: "k8s-app=kube-dns,io.kubernetes.pod.namespace=kube-system",
    from: "reserved:host=",
    port: 53,
    protocol: "UDP",
  }, { "": "-" }],
  ["47-port-range", { ...outside("app=myService", "192.0.2.1"), port: 444 }, {
    "": "+",
  }],
  ["47-port-range", { ...outside("app=myService", "192.0.2.1"), port: 445 }, {
    "": "-",
  }],
];

type Requests = typeof ROWS[number][2];

function ask(to: string, from: string, port: number): Ask {
  return { to, from, port };
}

function outside(from: string, to: string): Ask {
  return { from, to, port: 443, egress: true };
}

function cassandra(from: string, requests: Requests) {
  return [[
    "01-cassandra-sw",
    ask("app=cass-server", from, 9042),
    requests,
  ]] as const;
}

function memcached(from: string, requests: Requests) {
  const query = ask("app=memcd-server", from, 11211);
  return [["04-memcache-sw", query, requests]] as const;
}

function droid(from: string, requests: Requests) {
  return [[
    "d1-r2d2-comment-rules",
    ask("app=droid", from, 4040),
    requests,
  ]] as const;
}

function client(): Ask {
  return ask("container:id.memcache=", "container:memcache-client=", 11211);
}

async function check(
  [name, options, requests]: typeof ROWS[number],
  parsers: LoadedParsers,
): Promise<void> {
  const file = new URL(`${name}.yaml`, FOLDER);
  const sources = [{ file: name, text: await Deno.readTextFile(file) }];
  const known = { identities: createIdentities([]), workloads: [] };
  const query = readQuery({ ...options, port: String(options.port) }, known);
  for (const [fields, want] of Object.entries(requests)) {
    const given = fields === "" ? undefined : readFields(fields.split(" "));
    const options = { nodes: false };
    const asked = { sources, query, options, mode: "enforce", given } as const;
    const { verdict } = await answer(asked, parsers);
    const text = `${name} ${JSON.stringify(options)} ${fields}`;
    assertEquals(verdict, want === "+" ? "allowed" : "denied", text);
  }
}

Deno.test({
  name:
    `trace says of ${ROWS.length} connections by the shared policies what their index says${
      isAtHand ? "" : " (skipped: the shared example policies are not at hand)"
    }`,
  ignore: !isAtHand,
  async fn() {
    await withParsers({ folders: [] }, async (parsers) => {
      for (const row of ROWS) await check(row, parsers);
    });
  },
});
