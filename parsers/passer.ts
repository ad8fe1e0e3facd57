/**
 * passer: passes everything, both ways, whatever the rules say. It shows what
 * the engine and a transport cost with no parsing at all, and it polices
 * nothing: do not name it in a policy that is meant to keep anybody out.
 *
 * @module
 */
import { defineParser, nop, pass, z } from "parley/proxylib";

export default defineParser({
  description: "test protocol: passes every byte, polices nothing",
  rule: z.record(z.string(), z.string()),
  matches: () => true,
  create: () => ({
    onData: (_reply, _end, data) =>
      data.length === 0 ? nop() : pass(data.length),
  }),
});
