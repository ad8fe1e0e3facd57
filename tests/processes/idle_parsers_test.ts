/** Built-in parsers that nobody names are not loaded; they are there as soon as somebody does. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
} from "node:assert/strict";
import { ignore, Parley } from "./parley.ts";
import { LineServer } from "./servers.ts";
import { allowing, PORT, words } from "./words.ts";

/** The same policy for another parser. */
const CACHE = allowing("yes")
  .replace('"l7proto":"words"', '"l7proto":"memcache"')
  .replace('{"word":"yes"}', '{"command":"set"}');

Deno.test({
  name:
    "a built-in parser is idle until a policy names it, and reads connections from then on",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        listeners: [{ name: "a", upstream: server.address, port: PORT }],
        policies: ["policies/"],
      },
      parsers: { "words.ts": words() },
      policies: { "words.json": allowing("yes") },
    });
    const listed = await parley.run("parsers", "list");
    assertEquals(listed.code, 0);
    assertMatch(listed.out, /^memcache +\w{6} +idle +0 /m);
    assertMatch(listed.out, /^words +\w{6} +serving +0 /m);

    const from = parley.said.length;
    await parley.savePolicy("words.json", CACHE);
    await parley.until(/parser memcache@\w{6} serves new connections/, from);
    using wire = await parley.connect("a");
    assertMatch(await wire.ask("get a\r\n", "\r\n"), /access denied/);
    const { out } = await parley.run("parsers", "list");
    assertMatch(out, /^memcache +\w{6} +serving +1 /m);
    assertMatch(out, /^cassandra +\w{6} +idle +0 /m);
  },
});

Deno.test({
  name: "a listener that names a built-in parser has it loaded at the start",
  ignore,
  async fn() {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        listeners: [{
          name: "a",
          upstream: server.address,
          port: PORT,
          l7proto: "r2d2",
        }],
      },
    });
    const { out } = await parley.run("parsers", "list");
    assertMatch(out, /^r2d2 +\w{6} +serving +0 /m);
    assertMatch(out, /^memcache +\w{6} +idle +0 /m);
  },
});
