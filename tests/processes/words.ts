/**
 * A protocol of one word a line, in editions that can be told apart, and
 * policies for it.
 *
 * @module
 */

/** The workload's port as policies name it. */
export const PORT = 80;

/** What may stand in a parser beside what all editions have. */
export interface Edition {
  readonly edition?: number;
  /** Statements of the functions that judge a rule, a request, and a read. */
  readonly onRule?: string;
  readonly onRequest?: string;
}

/** The parser's text. A word that no rule names is answered with `denied EDITION`. */
export function words(
  { edition = 1, onRule = "", onRequest = "" }: Edition = {},
): string {
  return `import { bytes, defineProtocol, latin1, line, pass, part, z } from "parley/proxylib";
export default defineProtocol({
  description: "words, edition ${edition}",
  rule: z.strictObject({ word: z.string().refine((word) => { ${onRule} return word !== ""; }) }),
  matches: (rule, request) => rule.word === request.word,
  frame: (data, seen) => line(data, seen, 1000),
  request: (head) => {
    const word = latin1(head, 0, head.length - 1);
    ${onRequest}
    return { word };
  },
  fields: ({ word }) => ({ word, edition: ${edition} }),
  deny: () => bytes("denied ${edition}\\n"),
  reply(data) {
    const at = data.indexOf(10);
    return at < 0 ? part(data.length) : pass(at + 1);
  },
});
`;
}

/** A policy that lets one word pass, from anybody. */
export function allowing(word: string): string {
  return JSON.stringify({
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: "words" },
    spec: {
      endpointSelector: { matchLabels: { app: "guarded" } },
      ingress: [{
        toPorts: [{
          ports: [{ port: String(PORT), protocol: "TCP" }],
          rules: { l7proto: "words", l7: [{ word }] },
        }],
      }],
    },
  });
}
