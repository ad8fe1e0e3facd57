/**
 * Each control of the page, with real traffic behind it. The steps share a
 * sidecar, and tell their traffic apart by its commands; the last ones leave it
 * changed, and stopped.
 */
import { deepStrictEqual as assertEquals, match } from "node:assert/strict";
import { testWith } from "../setup/mod.ts";
import {
  browser,
  MAINTENANCE,
  memcached,
  MONITORING,
  Stage,
  TOKEN,
  type Visit,
} from "./stage.ts";

const DENIED = "CLIENT_ERROR access denied\r\n";

const STEPS: readonly {
  readonly name: string;
  readonly act: (stage: Stage, visit: Visit) => Promise<void>;
}[] = [
  {
    name: "says what is denied, to whom, and why",
    async act(stage, { page }) {
      using peer = await stage.peer(MONITORING);
      assertEquals(await peer.ask("set alliance/x 0 0 1\r\ny\r\n"), DENIED);
      await peer.ask("get alliance/x\r\n");
      const denial = page.locator("#denials > li");
      await denial.getByText("no rule of default/secure-fleet covers it")
        .waitFor();
      assertEquals(await denial.locator("p").allTextContents().then(firstTwo), [
        "denied: set alliance/x by function=fleet-monitoring",
        "because no rule of default/secure-fleet covers it; what may be: command get, keyPrefix alliance/ · command version",
      ]);
      for (const verdict of ["denied", "forwarded"]) {
        await page.locator(`.tile.${verdict} .total`, { hasText: /^1$/ })
          .waitFor();
      }
      await peer.ask("set alliance/y 0 0 1\r\ny\r\n");
      await denial.getByText("2 times").waitFor();
      match(
        await denial.locator(".what").textContent() ?? "",
        /^denied: set alliance\/y, alliance\/x by/,
      );
    },
  },
  {
    name: "says of connections that are denied by what",
    async act(stage, { page }) {
      using stranger = await stage.peer("127.0.0.9");
      await stranger.closed();
      const denial = page.locator("#denials > li", { hasText: "127.0.0.9" });
      await denial.getByText("default/secure-fleet#spec closes ingress")
        .waitFor();
      assertEquals(
        await denial.locator(".what").textContent(),
        "denied: connection port 11211 by 127.0.0.9 (unknown)",
      );
      await denial.getByText("once").waitFor();
    },
  },
  {
    name: "shows lines of the log as they come, filters them, and pauses",
    async act(stage, { page }) {
      const log = page.locator("#log");
      const rows = log.locator("tbody tr");
      using peer = await stage.peer(MAINTENANCE);
      await peer.ask("set alliance/fleet/a 0 0 1\r\ny\r\n");
      await peer.ask("delete alliance/fleet/a\r\n");
      await rows.filter({ hasText: "delete alliance/fleet/a" }).waitFor();
      // Who was here before may still be told of as one that has gone.
      const requests = await rows.filter({ hasText: "alliance/fleet/a" })
        .locator("td:nth-child(3)").allTextContents();
      assertEquals(firstTwo(requests), [
        "delete alliance/fleet/a",
        "set alliance/fleet/a",
      ]);

      await log.getByLabel("Verdict").selectOption("denied");
      await rows.filter({ hasText: "set alliance/fleet/a" })
        .waitFor({ state: "detached" });
      await rows.filter({ hasText: "delete alliance/fleet/a" }).waitFor();
      await log.getByLabel("Verdict").selectOption("");
      await log.getByLabel("Contains").fill("FLEET/B");
      await peer.ask("set alliance/fleet/b 0 0 1\r\ny\r\n");
      await rows.filter({ hasText: "set alliance/fleet/b" }).waitFor();
      assertEquals(await rows.count(), 1);
      await log.getByLabel("Contains").fill("");

      await log.getByRole("button", { name: "Pause" }).click();
      await log.getByText("Paused: what is logged now is not shown.").waitFor();
      await peer.ask("get alliance/fleet/c\r\n");
      await stage.sidecar.log.expect(1, {
        command: "get",
        source: peer.address,
      });
      assertEquals(await rows.filter({ hasText: "fleet/c" }).count(), 0);
      await log.getByRole("button", { name: "Pause" }).click();
      await rows.filter({ hasText: "fleet/c" }).waitFor();
    },
  },
  {
    name: "answers why, of a line and of any other request",
    async act(stage, { page, forgive }) {
      using peer = await stage.peer(MONITORING);
      await peer.ask("touch alliance/x 0\r\n");
      await page.locator("#denials > li", { hasText: "touch" })
        .getByRole("button", { name: "Why?" }).click();
      const answer = page.locator("#answer");
      await answer.getByText("no L7 rule of default/secure-fleet covers")
        .waitFor();
      await answer.getByText("keyPrefix alliance/: does not cover it")
        .waitFor();

      const question = page.locator("#question");
      assertEquals(await question.getByLabel("From").inputValue(), MONITORING);
      const explain = question.getByRole("button", { name: "Explain" });
      await question.getByLabel("Request")
        .fill("command=get\nkeys=alliance/x\nkeys=alliance/y");
      await explain.click();
      await answer.getByText("allowed: default/secure-fleet#spec").waitFor();
      await answer.getByText(": covers the request").waitFor();

      await question.getByLabel("From").fill("10.0.0.0/8");
      await explain.click();
      await answer.getByText("10.0.0.0/8 is a prefix; write one address")
        .waitFor();
      forgive(/status of 422/);
    },
  },
  {
    name: "closes a connection with the token, and not without",
    async act(stage, { page, forgive }) {
      using one = await stage.peer(MONITORING);
      using other = await stage.peer(MAINTENANCE);
      for (const peer of [one, other]) await peer.ask("get alliance/x\r\n");
      const section = page.locator("#connections");
      await section.getByText("2 open.").waitFor();
      await section.getByLabel("Contains").fill(one.address);
      await section.getByText("2 open, 1 of them shown.").waitFor();

      const button = section.getByRole("button", { name: /^Close/ });
      await button.click();
      await section.getByText("Changing takes the token, and none is given")
        .waitFor();
      forgive(/status of 401/);
      const focused = await page.evaluate("document.activeElement.id");
      assertEquals(focused, "token");
      await page.keyboard.type(TOKEN);
      await page.keyboard.press("Enter");
      await page.getByText("The token is in this page's memory").waitFor();
      assertEquals(await page.getByLabel("Token").inputValue(), "");

      await button.click();
      await one.closed();
      await section.getByText("1 open").waitFor();
      assertEquals(await other.ask("get alliance/x\r\n"), "END\r\n");
      const kept = await page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])",
      );
      assertEquals(kept, JSON.stringify([{}, {}, "", `${stage.origin}/`]));
    },
  },
  {
    name: "reloads a parser with the token, and shows one that is refused",
    async act(stage, { page, forgive }) {
      const section = page.locator("#parsers");
      const reload = section.getByRole("button", { name: "Reload memcache" });
      await reload.click();
      await section.getByText("Changing takes the token").waitFor();
      const use = page.getByRole("button", { name: "Use", exact: true });
      await page.getByLabel("Token").fill("another-token");
      await use.click();
      await reload.click();
      await section.getByText("the token is not the one of admin.tokenFile")
        .waitFor();
      forgive(/status of 401/);
      await page.getByLabel("Token").fill(TOKEN);
      await use.click();
      await reload.click();
      await section.getByText(/memcache@[0-9a-f]+ serves\./).waitFor();

      await stage.sidecar.saveParser("memcache.ts", "export default 1 +;\n");
      const memcache = section.getByRole("row", { name: /^memcache / });
      await memcache.getByText("refused", { exact: true }).waitFor();
      await memcache.getByText("memcache.ts:1:19").first().waitFor();
      await memcache.getByText("serving", { exact: true }).waitFor();
    },
  },
  {
    name: "says of a policy that is not in force as written why",
    async act(stage, { page }) {
      const row = page.locator("#policies").getByRole("row", {
        name: /^default\/secure-fleet/,
      });
      await row.getByText("as written").waitFor();
      await stage.sidecar.savePolicy("fleet.yaml", WRONG_POLICY);
      await row.getByText("an older version").waitFor();
      await row.getByText("endpointSelecto").first().waitFor();
    },
  },
  {
    name: "says when the sidecar does not answer",
    async act(stage, { page, forgive }) {
      stage.sidecar.signal("SIGTERM");
      await stage.sidecar.exit();
      await page.locator("#state.bad", {
        hasText: "The sidecar does not answer.",
      }).waitFor();
      forgive(/ERR_|status of 503/);
    },
  },
];

const WRONG_POLICY = JSON.stringify({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { name: "secure-fleet" },
  spec: { endpointSelecto: {} },
});

function firstTwo(texts: readonly string[]): string[] {
  return texts.slice(0, 2);
}

testWith({ memcached, browser }, "the page", async (tools, test) => {
  await using stage = await Stage.open(tools);
  for (const { name, act } of STEPS) {
    await test.step(name, async () => {
      await using visit = await stage.visit();
      await act(stage, visit);
    });
  }
});
