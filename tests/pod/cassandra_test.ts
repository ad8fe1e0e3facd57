/**
 * A pod with a real Cassandra, run for real: the mission's policy from clients
 * on other machines.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { query } from "../../parsers/cassandra/testkit.ts";
import {
  auditIn,
  hasRole,
  javaArguments,
  writeSettings,
} from "../cassandra/cassandra.ts";
import { errorOf, Native } from "../cassandra/native.ts";
import type { Store } from "../container/store.ts";
import { cassandraServer, testWith, type Tool } from "../setup/mod.ts";
import type { Manifest } from "./manifest.ts";
import type { Place } from "./place.ts";
import { CASSANDRA, missionPolicies, missionPolicy } from "./policies.ts";
import type { RunningPod } from "./running_pod.ts";
import { identitiesOf, Stage, STAGE_NEEDS } from "./stage.ts";

const PORT = 9042;
/** What is cached is root's, and others may not look into it. */
const UID = 0;
/** It takes about ten seconds, on a busy machine several times that. */
const START_MS = 240_000;
const POLL_MS = 200;
const UNAUTHORIZED = 0x2100;

/** What anyone may ask before a session. */
const OPTIONS = Uint8Array.of(4, 0, 0, 0, 5, 0, 0, 0, 0);

const SCHEMA = [
  "CREATE KEYSPACE attendance WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  "CREATE TABLE attendance.daily_records (k int PRIMARY KEY, v int)",
];
const OUTPOST_MAY = [
  "SELECT * FROM system.local WHERE key = 'local'",
  "INSERT INTO attendance.daily_records (k, v) VALUES (1, 2)",
];
const OUTPOST_MAY_NOT = [
  "SELECT * FROM attendance.daily_records",
  "TRUNCATE attendance.daily_records",
  "DROP KEYSPACE attendance",
];

testWith(
  {
    ...STAGE_NEEDS,
    policies: await missionPolicies(),
    cassandra: await cassandraServer(),
  },
  "a real pod with Cassandra: the mission's policy holds in all versions, and there is no other way in",
  async ({ cassandra, ...tools }) => {
    await using stage = await Stage.open(tools);
    const { node } = stage;
    const [outpost, headquarters, stranger] = [
      await node.client(),
      await node.client(),
      await node.client(),
    ];
    const folder = await Deno.makeTempDir({ prefix: "parley-cassandra-" });
    try {
      await writeSettings(folder, PORT, "rpc_interface: eth0");
      const image = await imageOfThisMachine(stage.store);
      await using pod = await node.run(
        stage.injected(
          databaseOf(cassandra, image, folder),
          identitiesOf({
            "empire-outpost": outpost,
            "empire-hq": headquarters,
          }),
        ),
        { policies: await missionPolicy(CASSANDRA) },
      );
      await started(pod, folder);

      const errors = (place: Place, version: number, texts: string[]) =>
        ask(place, pod.address, version, texts);
      assertEquals(await errors(headquarters, 4, SCHEMA), [0, 0]);
      for (const version of [3, 4, 5]) {
        assertEquals(
          await errors(outpost, version, [...OUTPOST_MAY, ...OUTPOST_MAY_NOT]),
          [0, 0, UNAUTHORIZED, UNAUTHORIZED, UNAUTHORIZED],
        );
      }
      const all = ["SELECT * FROM attendance.daily_records"];
      assertEquals(await errors(headquarters, 4, all), [0]);

      using refused = await stranger.connect(pod.address, PORT);
      assertEquals((await refused.exchange([OPTIONS])).text, "");
      using around = await outpost.connect(pod.address, 15006);
      assertEquals((await around.exchange([OPTIONS])).text, "");

      const reached = (await auditIn(folder)).map(({ operation }) => operation);
      const denied = OUTPOST_MAY_NOT.slice(1); // headquarters asks for the first
      assertEquals(reached.filter((text) => denied.includes(text)), []);
      assertEquals(reached.filter((text) => all.includes(text)).length, 1);
      const inserted = reached.filter((text) => text.startsWith("INSERT"));
      assertEquals(inserted.length, 3);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/** Asks one statement after the other on one connection; error codes, 0 where there is none. */
async function ask(
  place: Place,
  address: string,
  version: number,
  statements: readonly string[],
): Promise<number[]> {
  using native = await Native.over(await place.dial(address, PORT), version);
  const codes: number[] = [];
  for (const statement of statements) {
    const reply = await native.ask(query(statement, native.options));
    codes.push(errorOf(reply)?.code ?? 0);
  }
  return codes;
}

/** The pod as its author writes it; Java and its libraries are this machine's. */
function databaseOf(
  { command, env }: Tool,
  image: string,
  folder: string,
): Manifest {
  const libraries = env["CLASSPATH"]!.replace("*", "");
  const shared = ["/usr", "/etc", libraries.replace(/\/$/, "")];
  const volumes = [...shared, folder].map((path, i) => ({
    name: `machine-${i}`,
    hostPath: { path },
  }));
  return {
    metadata: {
      name: "cassandra-0",
      namespace: "default",
      labels: { app: "cass-server" },
      annotations: {
        "parley.dev/ports": `${PORT}`,
        "parley.dev/policies-configmap": "policies",
      },
    },
    spec: {
      containers: [{
        name: "cassandra",
        image,
        command: [command, ...javaArguments(folder, libraries)],
        env: [{ name: "CLASSPATH", value: env["CLASSPATH"]! }],
        securityContext: { runAsUser: UID, runAsGroup: UID },
        volumeMounts: volumes.map(({ name, hostPath: { path } }) => ({
          name,
          mountPath: path,
          readOnly: path !== folder,
        })),
      }],
      volumes,
    },
  };
}

/** An image with nothing in it but where programs are to be found. */
async function imageOfThisMachine(store: Store): Promise<string> {
  const context = await Deno.makeTempDir({ prefix: "parley-image-" });
  try {
    await Deno.mkdir(`${context}/root/tmp`, { recursive: true });
    await Deno.chmod(`${context}/root/tmp`, 0o1777);
    for (const name of ["bin", "sbin", "lib", "lib64"]) {
      const target = await Deno.readLink(`/${name}`).catch(() => undefined);
      if (target) await Deno.symlink(target, `${context}/root/${name}`);
    }
    const text = "FROM scratch\nCOPY root/ /\n";
    await Deno.writeTextFile(`${context}/Containerfile`, text);
    return await store.build("machine", context);
  } finally {
    await Deno.remove(context, { recursive: true });
  }
}

async function started(pod: RunningPod, folder: string): Promise<void> {
  const end = performance.now() + START_MS;
  while (!await hasRole(folder)) {
    const goesOn = performance.now() < end && await pod.runs("cassandra");
    assert(goesOn, `Cassandra did not start: ${await lastWords(pod, folder)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function lastWords(pod: RunningPod, folder: string): Promise<string> {
  const log = await Deno.readTextFile(`${folder}/system.log`).catch(() => "");
  return [...await pod.logs("cassandra"), ...log.split("\n")].slice(-20)
    .join("\n");
}
