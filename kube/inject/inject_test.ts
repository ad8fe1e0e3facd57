/** What an injected pod is, and which pods are refused or left alone. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { parse } from "yaml";
import { parseConfig } from "../../proxy/config/mod.ts";
import { inject, type Pod, SKIPPED } from "./inject.ts";
import { difference } from "./patch.ts";
import { readPod } from "./pod.ts";
import { undo } from "./undo.ts";
import { app, injectionOf, OPTIONS, podWith } from "./testing.ts";

const PORTS = { "parley.dev/ports": "11211" };

const REFUSED: readonly {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: object;
  readonly sidecar?: "container";
  readonly fault: RegExp;
}[] = [
  {
    name: "no ports, and no policies are known",
    annotations: {},
    fault: /names no port to guard: add the annotation parley\.dev\/ports/,
  },
  {
    name: "hostNetwork",
    spec: { hostNetwork: true },
    fault: /the network of its node \(hostNetwork\)/,
  },
  { name: "Windows", spec: { os: { name: "windows" } }, fault: /for Windows/ },
  {
    name: "a container under the sidecar's user",
    spec: app({ securityContext: { runAsUser: 1337 } }),
    fault: /container app runs as user 1337, which is the sidecar's/,
  },
  {
    name: "a pod under the sidecar's user",
    spec: { securityContext: { runAsUser: 1337 } },
    fault: /container app runs as user 1337/,
  },
  {
    name: "an init container under the sidecar's user",
    spec: {
      initContainers: [{ name: "i", securityContext: { runAsUser: 1337 } }],
    },
    fault: /container i runs as user 1337/,
  },
  {
    name: "a container with the sidecar's name",
    spec: { initContainers: [{ name: "parley" }] },
    fault: /has a container parley already/,
  },
  {
    name: "a volume with a name of the sidecar's",
    spec: { volumes: [{ name: "parley-tmp" }] },
    fault: /has a volume parley-tmp already/,
  },
  {
    name: "a port where the sidecar listens",
    spec: app({ ports: [{ containerPort: 15006 }] }),
    fault: /container app has port 15006, where the sidecar listens/,
  },
  {
    name: "a static listener on a port of the workload's",
    annotations: { "parley.dev/ports": "11311:11211" },
    spec: app({ ports: [{ containerPort: 11311 }] }),
    fault: /container app has port 11311, where the sidecar listens/,
  },
  {
    name: "an annotation that is near one",
    annotations: { ...PORTS, "parley.dev/egress-port": "1" },
    fault: /parley\.dev\/egress-port is none .* write "egress-ports"/,
  },
  {
    name: "an annotation that is near none",
    annotations: { ...PORTS, "parley.dev/wombat": "1" },
    fault: /parley\.dev\/wombat is none .* there are inject, ports/,
  },
  {
    name: "a pod that is to end, where sidecars would not",
    spec: { restartPolicy: "Never" },
    sidecar: "container",
    fault: /its sidecar would not end with it/,
  },
  {
    name: "a record that somebody has changed",
    annotations: { ...PORTS, "parley.dev/injected": "{}" },
    fault: /parley\.dev\/injected is not what Parley writes/,
  },
  {
    name: "a record whose probes are none",
    annotations: {
      ...PORTS,
      "parley.dev/injected":
        '{"created":[],"probes":{"app":{"livenessProbe":{"tcpSocket":1}}}}',
    },
    fault: /parley\.dev\/injected is not what Parley writes/,
  },
  {
    name: "a container that would see the sidecar's own files",
    spec: app({ volumeMounts: [{ name: "parley-tmp", mountPath: "/x" }] }),
    fault: /a mount of a volume parley-tmp already/,
  },
  {
    name: "a label and an annotation that disagree",
    annotations: { ...PORTS, "parley.dev/inject": "maybe" },
    fault: /parley\.dev\/inject cannot be "maybe": write enabled or disabled/,
  },
  {
    name: "no containers",
    spec: { containers: [] },
    fault: /the pod's spec\.containers is not as a pod has it/,
  },
  {
    name: "a container whose name is none",
    spec: { containers: [{ name: "__proto__" }] },
    fault: /spec\.containers\.0\.name is not as a pod has it/,
  },
  ...([
    ["ports", "0", /ports cannot be "0": write ports from 1 to 65535/],
    ["ports", "65536", /from 1 to 65535/],
    ["ports", "90-80", /from 1 to 65535/],
    ["ports", "http", /or all/],
    ["ports", "1:2:3", /write LISTEN:PORT/],
    ["ports", "70000:1", /write LISTEN:PORT/],
    ["ports", "5:6,6:7", /name each port once/],
    ["ports", "15000-15010", /has 15006, where the sidecar itself listens/],
    ["ports", "15020:80", /has 15020, where the sidecar itself listens/],
    ["egress-ports", "1:2", /by redirection only/],
    ["egress-ports", "15001", /has 15001, where the sidecar itself listens/],
    ["exclude-ports", "22", /belongs to ports or egress-ports that are all/],
    ["exclude-uids", "0", /write user ids from 1/],
    ["exclude-uids", "root", /write user ids/],
    ["exclude-uids", "1337", /the sidecar's own and excluded always/],
    ["mode", "Audit", /write "audit": only the case differs/],
    ["log-level", "debug", /write one of info, warning, error/],
    ["cpu", "lots", /such as 100m/],
    ["memory", "255Mi", /write 256Mi or more/],
    ["memory", "1Qi", /write 256Mi or more/],
    ["image", "a b", /write an image's name/],
    ["parsers-configmap", "../x", /name of a ConfigMap/],
    ["policies-configmap", "", /name of a ConfigMap/],
    ["drain-seconds", "-1", /from 0 to 3600/],
    ["drain-seconds", "3601", /from 0 to 3600/],
  ] as const).map(([name, value, fault]) => ({
    name: `${name}: ${value}`,
    annotations: { ...PORTS, [`parley.dev/${name}`]: value },
    fault,
  })),
];

for (const { name, annotations, spec, sidecar, fault } of REFUSED) {
  Deno.test(`inject() refuses ${name}`, () => {
    const options = sidecar ? { sidecar } : {};
    const injection = injectionOf(annotations ?? PORTS, spec, options);
    assert(injection.kind === "refused", injection.kind);
    assertMatch(injection.faults.join("\n"), fault);
  });
}

for (const value of [null, 1, [], {}, { spec: null }, { faults: [] }]) {
  Deno.test(`inject() refuses ${JSON.stringify(value)}, which is no pod`, () =>
    assertEquals(inject(value, OPTIONS).kind, "refused"));
}

const LEFT_ALONE = [
  {
    reason: "disabled",
    annotations: { ...PORTS, "parley.dev/inject": "disabled" },
  },
  { reason: "mirror", annotations: { "kubernetes.io/config.mirror": "x" } },
  { reason: "unselected", annotations: {}, options: { policyPorts: {} } },
] as const;

for (const { reason, annotations, ...rest } of LEFT_ALONE) {
  const { options } = { options: {}, ...rest };
  Deno.test(`inject() leaves a pod alone: ${SKIPPED[reason]}`, () =>
    assertEquals(injectionOf(annotations, {}, options), {
      kind: "skipped",
      reason,
    }));
}

const WARNED = [
  {
    name: "a privileged container",
    spec: app({ securityContext: { privileged: true } }),
    warning: /app is privileged, and can undo the redirection/,
  },
  {
    name: "NET_ADMIN",
    spec: app({ securityContext: { capabilities: { add: ["NET_ADMIN"] } } }),
    warning: /app has NET_ADMIN/,
  },
  {
    name: "an HTTP probe of a redirected port, by its name",
    spec: app({
      ports: [{ name: "web", containerPort: 11211 }],
      livenessProbe: { httpGet: { port: "web" } },
    }),
    warning: /livenessProbe of container app comes in at port 11211/,
  },
  {
    name: "DNS that is dropped",
    annotations: { "parley.dev/egress-ports": "all" },
    warning: /has port 53, so DNS over UDP is dropped/,
  },
  {
    name: "a static listener",
    annotations: { "parley.dev/ports": "11311:11211" },
    warning: /nothing redirects port 11211/,
  },
  {
    name: "a drain that is cut off",
    annotations: { ...PORTS, "parley.dev/drain-seconds": "60" },
    warning: /is 60, and the pod ends after 30/,
  },
];

for (const { name, annotations, spec, warning } of WARNED) {
  Deno.test(`inject() warns of ${name}`, () => {
    const injection = injectionOf(annotations ?? PORTS, spec);
    assert(injection.kind === "injected");
    assertMatch(injection.warnings.join("\n"), warning);
  });
}

/** Options and annotations that lead to every kind of pod that there is. */
const KINDS = [
  { annotations: PORTS },
  { annotations: PORTS, options: { sidecar: "container" as const } },
  { annotations: { "parley.dev/ports": "all" } },
  { annotations: { "parley.dev/ports": "11311:11211,2:1" } },
  {
    annotations: {
      "parley.dev/egress-ports": "9042,11211",
      "parley.dev/exclude-uids": "1000,1001",
    },
  },
  {
    annotations: {
      "parley.dev/ports": "all",
      "parley.dev/egress-ports": "11211",
      "parley.dev/exclude-ports": "22,53",
      "parley.dev/mode": "audit",
      "parley.dev/log-level": "error",
      "parley.dev/cpu": "0.5",
      "parley.dev/memory": "1Gi",
      "parley.dev/image": "other:2",
      "parley.dev/parsers-configmap": "parsers",
      "parley.dev/policies-configmap": "policies",
      "parley.dev/drain-seconds": "5",
    },
  },
  { annotations: {}, options: { policyPorts: { ingress: "all" as const } } },
];

for (const { annotations, options } of KINDS) {
  const name = JSON.stringify({ ...annotations, ...options });

  Deno.test(`inject() of ${name} configures a sidecar that reads it`, () => {
    const pod = injectedPod(annotations, {}, options);
    const text = pod.metadata!.annotations!["parley.dev/config"]!;
    const { config, problems } = parseConfig("parley.yaml", text);
    assertEquals(problems, []);
    assert(config!.listeners.length > 0);
  });

  Deno.test(`inject() of ${name} is a sidecar of the restricted profile`, () => {
    const { containers, initContainers } = injectedPod(annotations, {}, options)
      .spec;
    const [sidecar] = [...initContainers ?? [], ...containers]
      .filter(({ name }) => name === "parley");
    assertEquals(sidecar!.securityContext, {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsGroup: 1337,
      runAsNonRoot: true,
      runAsUser: 1337,
      seccompProfile: { type: "RuntimeDefault" },
    });
  });

  Deno.test(`inject() of ${name} twice is inject() once`, () => {
    const pod = injectedPod(annotations, {}, options);
    const again = inject(pod, { ...OPTIONS, ...options });
    assert(again.kind === "injected");
    assertEquals(difference(pod, again.pod), []);
  });
}

Deno.test("inject() redirects first, and starts the sidecar before the author's init containers", () => {
  const { initContainers, containers } = injectedPod(PORTS, {
    initContainers: [{ name: "setup" }],
  }).spec;
  const names = (list: readonly { name: string }[]) =>
    list.map(({ name }) => name);
  assertEquals(names(initContainers!), ["parley-redirect", "parley", "setup"]);
  assertEquals(initContainers![1]!.restartPolicy, "Always");
  assertEquals(names(containers), ["app"]);
});

Deno.test("inject() before 1.29 starts the sidecar beside the others, and holds its end back", () => {
  const { initContainers, containers } = injectedPod(PORTS, {}, {
    sidecar: "container",
  }).spec;
  assertEquals(initContainers!.map(({ name }) => name), ["parley-redirect"]);
  assertEquals(containers.map(({ name }) => name), ["parley", "app"]);
  assertEquals(containers[0]!.lifecycle, {
    preStop: { exec: { command: ["sleep", "30"] } },
  });
  assertEquals(containers[0]!.restartPolicy, undefined);
});

Deno.test("inject() with static ports needs no right: there is nothing that redirects", () => {
  const pod = injectedPod({ "parley.dev/ports": "11311:11211" });
  const names = pod.spec.initContainers!.map(({ name }) => name);
  assertEquals(names, ["parley"]);
  assertEquals(JSON.stringify(pod).includes("NET_ADMIN"), false);
  const config = parse(pod.metadata!.annotations!["parley.dev/config"]!);
  assertEquals(config.listeners, [{
    name: "ingress-11211",
    direction: "ingress",
    listen: "[::]:11311",
    upstream: "127.0.0.1:11211",
  }]);
});

Deno.test("inject() asks for rights in the container that redirects, and nowhere else", () => {
  const { initContainers } = injectedPod(PORTS).spec;
  const rights = initContainers!.map(({ name, securityContext }) => [
    name,
    securityContext!.capabilities!.add ?? [],
  ]);
  assertEquals(rights, [
    ["parley-redirect", ["NET_ADMIN", "NET_RAW", "SETUID"]],
    ["parley", []],
  ]);
});

const PROBED = [
  {
    name: "a TCP probe of a redirected port is put to the sidecar",
    spec: app({
      readinessProbe: { tcpSocket: { port: 11211 }, periodSeconds: 7 },
    }),
    after: {
      httpGet: { path: "/ports/11211", port: 15021, scheme: "HTTP" },
      periodSeconds: 7,
    },
  },
  {
    name: "a TCP probe by a port's name is put to the sidecar",
    spec: app({
      ports: [{ name: "cache", containerPort: 11211 }],
      readinessProbe: { tcpSocket: { port: "cache" } },
    }),
    after: { httpGet: { path: "/ports/11211", port: 15021, scheme: "HTTP" } },
  },
  ...[
    ["a TCP probe of another port", { tcpSocket: { port: 80 } }],
    ["a TCP probe of another host", { tcpSocket: { port: 11211, host: "a" } }],
    ["an HTTP probe", { httpGet: { port: 11211, path: "/" } }],
    ["a program", { exec: { command: ["true"] } }],
    ["a gRPC probe", { grpc: { port: 11211 } }],
  ].map(([name, probe]) => ({
    name: `${name} is left alone`,
    spec: app({ readinessProbe: probe }),
    after: probe,
  })),
];

for (const { name, spec, after } of PROBED) {
  Deno.test(`inject(): ${name}`, () => {
    const pod = injectedPod(PORTS, spec);
    assertEquals(pod.spec.containers[0]!.readinessProbe, after);
  });
}

Deno.test("inject() lets the sidecar dial the ports that are probed, and no others", () => {
  const pod = injectedPod(
    PORTS,
    app({ livenessProbe: { tcpSocket: { port: 11211 } } }),
  );
  const configOf = (pod: Pod) =>
    parse(pod.metadata!.annotations!["parley.dev/config"]!);
  assertEquals(configOf(pod).portChecks, {
    listen: "[::]:15021",
    ports: [11211],
  });
  assertEquals(configOf(injectedPod(PORTS)).portChecks, undefined);
});

/** The pod, which must be an injected one. */
function injectedPod(...args: Parameters<typeof injectionOf>): Pod {
  const injection = injectionOf(...args);
  assert(injection.kind === "injected", JSON.stringify(injection));
  return injection.pod;
}

Deno.test("inject() tells the sidecar the names of the pod's ports", () => {
  const pod = injectedPod(
    PORTS,
    app({
      ports: [
        { name: "cache", containerPort: 11211 },
        { name: "stats", containerPort: 9000, protocol: "UDP" },
        { containerPort: 80 },
      ],
    }),
  );
  const text = pod.metadata!.annotations!["parley.dev/config"]!;
  const { config } = parseConfig("parley.yaml", text);
  assertEquals(config!.endpoint.ports, [
    { name: "cache", port: 11211, protocol: "TCP" },
  ]);
});

Deno.test("inject() changes nothing in the pod that it is given", () => {
  const pod = podWith(
    PORTS,
    app({ livenessProbe: { tcpSocket: { port: 11211 } } }),
  );
  const before = JSON.stringify(pod);
  inject(pod, OPTIONS);
  assertEquals(JSON.stringify(pod), before);
});

Deno.test("inject() changes the probes of a container that is named as a member of all objects", () => {
  const probe = { tcpSocket: { port: 11211 } };
  const injection = injectionOf(PORTS, {
    containers: [{ name: "constructor", image: "x", livenessProbe: probe }],
  });
  assert(injection.kind === "injected", injection.kind);
  assertEquals(injection.pod.spec.containers[0]?.livenessProbe?.httpGet, {
    path: "/ports/11211",
    port: 15021,
    scheme: "HTTP",
  });
  assertEquals(Object.hasOwn(Object, "livenessProbe"), false);
});

const CONTROLLER = {
  url: "https://parley-controller.parley-system.svc",
  ca: "-----BEGIN CERTIFICATE-----\n",
};

Deno.test("inject() gives the sidecar a token for the controller, and for nobody else", () => {
  const pod = podWith({ "parley.dev/ports": "1" });
  const options = { ...OPTIONS, controller: CONTROLLER };
  const injection = inject(pod, options);
  assert(injection.kind === "injected");
  const { metadata, spec } = injection.pod;
  const config = parse(metadata!.annotations!["parley.dev/config"]!);
  assertEquals(config.controller, {
    url: CONTROLLER.url,
    tokenFile: "/etc/parley-controller/token",
    caFile: "/etc/parley-controller/ca.crt",
    stateFile: "/tmp/parley-controller.json",
  });
  assertEquals(
    metadata!.annotations!["parley.dev/controller-ca"],
    CONTROLLER.ca,
  );
  const volume = spec.volumes!.find(({ name }) => name === "parley-controller");
  const [{ serviceAccountToken }] = (volume as unknown as {
    projected: { sources: [{ serviceAccountToken: { audience: string } }] };
  }).projected.sources;
  assertEquals(serviceAccountToken.audience, "parley-controller");
  const mounts = [...spec.initContainers ?? [], ...spec.containers]
    .filter(({ volumeMounts }) =>
      volumeMounts?.some(({ name }) => name === "parley-controller")
    ).map(({ name }) => name);
  assertEquals(mounts, ["parley"]);
  assertEquals(inject(injection.pod, options), injection);
  assertEquals(undo(injection.pod), readPod(pod));
});

Deno.test("inject() takes the ports of policies where the pod names none", () => {
  const injection = injectionOf({}, {}, {
    policyPorts: { ingress: "all", egress: [{ first: 9042, last: 9042 }] },
  });
  assert(injection.kind === "injected");
  const [redirection] = injection.pod.spec.initContainers!;
  const { args } = redirection as unknown as { args: string[] };
  assertEquals(args.slice(0, 4), ["--ports", "all", "--egress-ports", "9042"]);
});
