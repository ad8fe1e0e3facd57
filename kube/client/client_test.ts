/** How the API server is found, and what it is sent. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  rejects as assertRejects,
} from "node:assert/strict";
import { stringify } from "yaml";
import { z } from "zod";
import { AccessError, inCluster, SERVICE_ACCOUNT } from "./access.ts";
import { KubeClient, KubeError } from "./client.ts";
import { byKubeconfig } from "./kubeconfig.ts";

const FILES: Readonly<Record<string, string>> = {
  [`${SERVICE_ACCOUNT}/ca.crt`]: "authority",
  [`${SERVICE_ACCOUNT}/token`]: "token\n",
  "/etc/kube/ca.pem": "authority of a file",
  "/etc/kube/token": "token of a file",
};

function readFile(path: string): Promise<string> {
  const text = FILES[path];
  return text === undefined
    ? Promise.reject(new Error(`no ${path}`))
    : Promise.resolve(text);
}

Deno.test("inCluster() reads the service account's files, and its token each time", async () => {
  const env: Record<string, string> = {
    KUBERNETES_SERVICE_HOST: "fd00::1",
    KUBERNETES_SERVICE_PORT: "443",
  };
  const { server, ca, token } = await inCluster((name) => env[name], readFile);
  assertEquals([server, ca, await token!()], [
    "https://[fd00::1]:443",
    "authority",
    "token",
  ]);
});

Deno.test("inCluster() elsewhere says what to do", () =>
  assertRejects(
    inCluster(() => undefined, readFile),
    /this is no pod of a cluster .* --kubeconfig/,
  ));

const BASE = {
  "current-context": "here",
  contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
  clusters: [{ name: "c", cluster: { server: "https://api:6443/" } }],
  users: [{ name: "u", user: {} }],
};

function kubeconfig(cluster: object, user: object) {
  const text = stringify({
    ...BASE,
    clusters: [{
      name: "c",
      cluster: { ...BASE.clusters[0]!.cluster, ...cluster },
    }],
    users: [{ name: "u", user }],
  });
  return byKubeconfig(
    "/etc/kube/config",
    (path) =>
      path === "/etc/kube/config" ? Promise.resolve(text) : readFile(path),
  );
}

Deno.test("byKubeconfig() reads what is inline", async () => {
  const { token, ...access } = await kubeconfig(
    { "certificate-authority-data": btoa("authority") },
    {
      token: "inline",
      "client-certificate-data": btoa("certificate"),
      "client-key-data": btoa("key"),
    },
  );
  assertEquals(access, {
    server: "https://api:6443",
    ca: "authority",
    certificate: { cert: "certificate", key: "key" },
  });
  assertEquals(await token!(), "inline");
});

Deno.test("byKubeconfig() reads files beside it", async () => {
  const { ca, token } = await kubeconfig(
    { "certificate-authority": "ca.pem" },
    { tokenFile: "token" },
  );
  assertEquals([ca, await token!()], [
    "authority of a file",
    "token of a file",
  ]);
});

for (
  const [name, cluster, user, message] of [
    [
      "a program for credentials",
      {},
      { exec: {} },
      /has exec, which is not read/,
    ],
    [
      "no check of certificates",
      { "insecure-skip-tls-verify": true },
      {},
      /name its certificate-authority/,
    ],
    [
      "a server that is no URL",
      { server: "api" },
      {},
      /clusters\.0\.cluster\.server is not as in/,
    ],
  ] as const
) {
  Deno.test(`byKubeconfig() refuses ${name}`, () =>
    assertRejects(kubeconfig(cluster, user), (error) => {
      assertMatch((error as Error).message, message);
      return error instanceof AccessError;
    }));
}

/** Answers every request with its own parts. */
function echo(status: number, body?: object) {
  const requests: {
    method: string;
    path: string;
    type: string | null;
    token: string | null;
    body: string;
  }[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      requests.push({
        method: request.method,
        path: new URL(request.url).pathname,
        type: request.headers.get("content-type"),
        token: request.headers.get("authorization"),
        body: await request.text(),
      });
      return Response.json(body ?? {}, { status });
    },
  );
  return { requests, server, url: `http://127.0.0.1:${server.addr.port}` };
}

Deno.test("KubeClient sends patches with the token of the moment", async () => {
  const { requests, server, url } = echo(200);
  let count = 0;
  {
    using client = new KubeClient({
      server: url,
      token: () => Promise.resolve(`token-${++count}`),
    });
    await client.patch("/x", [{ op: "remove", path: "/a" }]);
    await client.get("/y", z.unknown());
  }
  await server.shutdown();
  assertEquals(requests, [
    {
      method: "PATCH",
      path: "/x",
      type: "application/json-patch+json",
      token: "Bearer token-1",
      body: '[{"op":"remove","path":"/a"}]',
    },
    {
      method: "GET",
      path: "/y",
      type: null,
      token: "Bearer token-2",
      body: "",
    },
  ]);
});

Deno.test("KubeClient hands the API server's own words on", async () => {
  const { server, url } = echo(403, { kind: "Status", message: "no rights" });
  using client = new KubeClient({ server: url });
  await assertRejects(client.get("/x", z.unknown()), (error) => {
    assertEquals((error as Error).message, "GET /x: no rights");
    return error instanceof KubeError && error.status === 403;
  });
  await server.shutdown();
});
