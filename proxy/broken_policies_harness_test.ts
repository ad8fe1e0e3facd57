/**
 * A policy, and whatever may become of its file by mistake.
 *
 * @module
 */

/** The policy of a version: HALT, and READ of that version's file. Every version is another document. */
export function version(n: number): string {
  return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: v${n} }
spec:
  endpointSelector: { matchLabels: { app: droid } }
  ingress:
  - fromEntities: [ all ]
    toPorts:
    - ports: [ { port: "4040", protocol: TCP } ]
      rules: { l7proto: r2d2, l7: [ { cmd: HALT }, { cmd: READ, file: "^v${n}$" } ] }
`;
}

export const GOOD = version(0);

/** What may become of a file: its text, and what is said of it. */
export const BROKEN: readonly [
  name: string,
  text: string | Uint8Array,
  says: RegExp,
][] = [
  ["nothing", "", /doc\.none/],
  ["a bracket that is not closed", `${GOOD}  - [`, /yaml\.syntax/],
  [
    "half of it",
    GOOD.slice(0, GOOD.indexOf("4040")),
    /yaml\.syntax/,
  ],
  [
    "bytes that are no text",
    Uint8Array.from({ length: 64 }, (_, i) => i * 37 & 255),
    /p\.yaml:\d+/,
  ],
  [
    "a tab for indentation",
    GOOD.replace("  ingress", "\tingress"),
    /yaml\.syntax/,
  ],
  ["a key twice", GOOD.replace("spec:", "spec: {}\nspec:"), /yaml\.key-twice/],
  ["an alias without its anchor", GOOD.replace("[ all ]", "*all"), /yaml\./],
  ["a misspelt key", GOOD.replace("ingress", "ingres"), /schema\.unknown-key/],
  [
    "a misspelt kind",
    GOOD.replace("CiliumNetwork", "CilumNetwork"),
    /doc\.kind/,
  ],
  [
    "another API version",
    GOOD.replace("cilium.io/v2", "cilium.io/v9"),
    /schema\.value/,
  ],
  ["no name", GOOD.replace("name: v0", ""), /doc\.name/],
  ["no rule", GOOD.slice(0, GOOD.indexOf("spec:")), /doc\.empty/],
  [
    "no subject",
    GOOD.replace(/ {2}endpointSelector.*\n/, ""),
    /rule\.no-subject/,
  ],
  ["a label that cannot be", GOOD.replace("droid", "-droid"), /sel\.value/],
  ["an entity that is none", GOOD.replace("all ]", "al ]"), /peer\.entity/],
  [
    "a prefix that is none",
    GOOD.replace("fromEntities: [ all ]", "fromCIDR: [ 1.2.3 ]"),
    /cidr\.parse/,
  ],
  ["a port without quotes", GOOD.replace('"4040"', "4040"), /schema\.type/],
  ["a port that is none", GOOD.replace("4040", "70000"), /port\.parse/],
  ["a protocol that is none", GOOD.replace("TCP", "TPC"), /port\.proto/],
  ["a parser that is none", GOOD.replace("r2d2", "r2d3"), /l7\.unknown-proto/],
  [
    "a key that no rule has",
    GOOD.replace("cmd: HALT", "comd: HALT"),
    /r2d2\.key/,
  ],
  ["a command that is none", GOOD.replace("HALT", "HALTT"), /r2d2\.cmd/],
  ["an expression that is none", GOOD.replace("^v0$", "(v0"), /r2d2\.regex/],
];
