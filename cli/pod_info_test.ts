/** The workload's labels come from the files of a downward API volume. */
import {
  deepStrictEqual as assertEquals,
  rejects as assertRejects,
} from "node:assert/strict";
import { parseConfig } from "../proxy/config/mod.ts";
import { withPodInfo } from "./pod_info.ts";
import { withFiles } from "./testing.ts";

const FILES = {
  name: "cache-0",
  namespace: "fleet",
  labels: 'app="memcached"\nstatefulset.kubernetes.io/pod-name="cache-0"\nx=""',
};

function configOf(folder: string) {
  const text = "endpoint: { name: a, podInfo: pod }";
  return parseConfig(
    `${folder}/../parley.yaml`,
    text.replace("pod ", `${folder} `),
  )
    .config!;
}

Deno.test("withPodInfo() takes name, namespace and labels from the files", () =>
  withFiles(FILES, async (folder) => {
    const { endpoint } = await withPodInfo(configOf(folder));
    assertEquals(endpoint, {
      name: "cache-0",
      namespace: "fleet",
      labels: {
        app: "memcached",
        "statefulset.kubernetes.io/pod-name": "cache-0",
        x: "",
      },
    });
  }));

Deno.test("withPodInfo() leaves a configuration that names no folder", async () => {
  const { config } = parseConfig("parley.yaml", "endpoint: { name: a }");
  assertEquals(await withPodInfo(config!), config);
});

Deno.test("withPodInfo() of a pod without labels", () =>
  withFiles({ ...FILES, labels: "" }, async (folder) => {
    const { endpoint } = await withPodInfo(configOf(folder));
    assertEquals(endpoint.labels, {});
  }));

for (const labels of ["app", 'app="a\nb"', 'app="a\\n"', '="a"', 'a="b" c']) {
  Deno.test(`withPodInfo() refuses the labels ${JSON.stringify(labels)}`, () =>
    withFiles({ ...FILES, labels }, async (folder) => {
      await assertRejects(withPodInfo(configOf(folder)), /a line is no label/);
    }));
}

Deno.test("withPodInfo() names the file that is missing", () =>
  withFiles({ name: "a", namespace: "b" }, async (folder) => {
    await assertRejects(withPodInfo(configOf(folder)), /cannot read .*labels/);
  }));
