/** The page under load: a log faster than anybody reads, and a thousand connections. Times are printed. */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import type { Page } from "playwright-core";
import { inLanes, poll } from "../e2e/harness.ts";
import { testWith } from "../setup/mod.ts";
import type { Peer } from "./peer.ts";
import {
  browser,
  MAINTENANCE,
  memcached,
  MONITORING,
  Stage,
  TOKEN,
  type Visit,
} from "./stage.ts";

const REQUESTS = 50_000;
const IN_A_ROW = 1000;
const CONNECTIONS = 1000;
/** Rows that the log keeps. */
const ROWS = 200;

/** Many requests, as fast as they are answered. */
async function blast(peer: Peer): Promise<void> {
  const some = "get alliance/x\r\n".repeat(IN_A_ROW - 1);
  for (let sent = 0; sent < REQUESTS; sent += IN_A_ROW) {
    await peer.ask(`${some}version\r\n`, /VERSION .*\r\n$/);
  }
}

/** Asks the page for frames until something is done; the longest wait for one, in milliseconds. */
async function framesUntil(page: Page, done: Promise<void>): Promise<number> {
  let [isDone, longest] = [false, 0];
  const ended = done.finally(() => isDone = true);
  while (!isDone) {
    const wait = await page.evaluate(`new Promise((resolve) => {
      const begin = performance.now();
      requestAnimationFrame(() => resolve(performance.now() - begin));
    })`) as number;
    longest = Math.max(longest, wait);
    assert(await page.locator("#lines tr").count() <= ROWS);
  }
  await ended;
  return longest;
}

const STEPS: readonly {
  readonly name: string;
  readonly act: (stage: Stage, visit: Visit) => Promise<void>;
}[] = [
  {
    name:
      `stays quick while ${REQUESTS} lines come, and loses no denial among them`,
    async act(stage, { page }) {
      using peer = await stage.peer(MONITORING);
      using other = await stage.peer(MAINTENANCE);
      const begin = performance.now();
      const blasted = blast(peer);
      const frames = framesUntil(page, blasted);
      await other.ask("delete alliance/fleet/x\r\n");
      await page.locator("#denials > li", { hasText: "alliance/fleet/x" })
        .getByText("no rule of default/secure-fleet covers it").waitFor();
      const longest = await frames;
      const seconds = (performance.now() - begin) / 1000;
      console.log(
        `${Math.round(REQUESTS / seconds)} lines/s, a frame after ${
          Math.round(longest)
        } ms at most`,
      );
      await page.locator("#log-state", { hasText: "came too fast to show" })
        .waitFor();
      await peer.ask("get alliance/last\r\n", "END\r\n");
      await page.locator("#lines tr", { hasText: "alliance/last" }).waitFor();
      assertEquals(await page.locator("#lines tr").count(), ROWS);
      const elements = await page.locator("*").count();
      assert(elements < 4000, `${elements} elements`);
    },
  },
  {
    name: `lists ${CONNECTIONS} connections, and closes the one that is meant`,
    async act(stage, { page }) {
      using stack = new DisposableStack();
      const peers: Peer[] = [];
      await inLanes(20, async () => {
        for (let i = 0; i < CONNECTIONS / 20; i++) {
          const peer = stack.use(await stage.peer(MONITORING));
          peers.push(peer);
          await peer.ask("get alliance/x\r\n", "END\r\n");
        }
      });
      const section = page.locator("#connections");
      const begin = performance.now();
      await section.getByText("1,000 open.").waitFor();
      console.log(`listed after ${Math.round(performance.now() - begin)} ms`);
      assertEquals(await section.locator("tbody tr").count(), CONNECTIONS);

      const [meant] = peers.slice(CONNECTIONS / 2);
      await section.getByLabel("Contains").fill(meant!.address);
      await section.getByText("1,000 open, 1 of them shown.").waitFor();
      await page.getByLabel("Token").fill(TOKEN);
      await page.keyboard.press("Enter");
      await section.getByRole("button", { name: /^Close/ }).click();
      await meant!.closed();
      await poll(
        async () =>
          await section.locator("tbody tr").count() === 0 ? true : undefined,
        () => "row that goes",
      );
    },
  },
];

testWith({ memcached, browser }, "the page under load", async (tools, test) => {
  await using stage = await Stage.open(tools, { quiet: true });
  for (const { name, act } of STEPS) {
    await test.step(name, async () => {
      await using visit = await stage.visit();
      await act(stage, visit);
    });
  }
});
