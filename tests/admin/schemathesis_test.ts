/**
 * Schemathesis makes requests of the OpenAPI document, good ones and bad ones,
 * and finds no failure of the server and no answer that the document lacks.
 *
 * It runs for 20 s; longer, in seconds, with `PARLEY_SCHEMATHESIS`: for a minute
 * in CI, for ten by hand.
 */
import { ok as assert } from "node:assert/strict";
import { Parley } from "../processes/parley.ts";
import { LineServer } from "../processes/servers.ts";
import { schemathesis, testWith } from "../setup/mod.ts";
import { LISTENING, originOf, TOKEN, writeToken } from "./client.ts";

const SEED = "20261130";
const SECONDS = Number(Deno.env.get("PARLEY_SCHEMATHESIS") ?? 20);
/** Of the coverage of the document, which comes first and has no bound of its own; more never come in the time. */
const EXAMPLES = 1_000_000;

testWith(
  { schemathesis: await schemathesis() },
  `schemathesis finds no answer that is not documented (${SECONDS} s)`,
  async ({ schemathesis: { command, env } }) => {
    await using server = new LineServer();
    await using parley = await Parley.start({
      config: {
        listeners: [{ name: "a", upstream: server.address }],
        admin: LISTENING,
      },
    });
    await writeToken(parley);
    const origin = await originOf(parley);
    const config = new URL("schemathesis.toml", import.meta.url).pathname;
    const { code, stdout, stderr } = await new Deno.Command(command, {
      args: [
        ...["-m", "schemathesis.cli", "--config-file", config, "run"],
        `${origin}/openapi.json`,
        ...["-H", `Authorization: Bearer ${TOKEN}`],
        ...["--checks", "all", "--max-time", String(SECONDS)],
        // The same requests each time, and patience with a machine that is busy.
        ...["--seed", SEED, "--request-timeout", "60"],
        ...["--exclude-path", "/v1/accesslog"], // its answer has no end
        ...["--max-examples", String(EXAMPLES)],
        ...["--continue-on-failure", "--no-color", "--no-shrink"],
        ...["--generation-database", ":memory:", "--warnings", "off"],
      ],
      cwd: parley.folder,
      env: { ...env, HOME: parley.folder },
    }).output();
    const said = new TextDecoder().decode(stdout);
    console.log(said.slice(said.lastIndexOf("= SUMMARY")));
    assert(code === 0, `${said}\n${new TextDecoder().decode(stderr)}`);
  },
);
