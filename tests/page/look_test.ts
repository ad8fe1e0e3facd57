/**
 * How the page looks: what is hostile is text, the keyboard reaches everything,
 * axe-core finds nothing serious. With PARLEY_SCREENSHOTS=1 the pictures of
 * docs/page.md are taken anew.
 */
import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { testWith } from "../setup/mod.ts";
import {
  browser,
  MAINTENANCE,
  memcached,
  MONITORING,
  Stage,
  type Visit,
} from "./stage.ts";

const DOCS = new URL("../../docs/", import.meta.url).pathname;
const TAKES_SCREENSHOTS = Deno.env.get("PARLEY_SCREENSHOTS") === "1";

/** Keys that would like to be more than text, as bytes of UTF-8, and what is seen of them. */
const HOSTILE = [
  {
    key: "<img/src=x/onerror=alert(1)>",
    seen: "<img/src=x/onerror=alert(1)>",
  },
  { key: "\u202egnp.exe", seen: "\\u{202e}gnp.exe" },
  { key: "a\u200bb\u2066c", seen: "a\\u{200b}b\\u{2066}c" },
  { key: "k".repeat(250), seen: "k… (254 long)" },
];

/** A morning at the fleet. */
async function bustle(stage: Stage): Promise<Disposable> {
  using stack = new DisposableStack();
  const monitoring = stack.use(await stage.peer(MONITORING));
  const maintenance = stack.use(await stage.peer(MAINTENANCE));
  for (const ship of ["falcon", "home-one", "tantive"]) {
    await maintenance.ask(`set alliance/fleet/${ship} 0 0 2\r\nok\r\n`);
    await monitoring.ask(`get alliance/fleet/${ship}\r\n`, "END\r\n");
  }
  for (let round = 0; round < 4; round++) {
    await monitoring.ask("set alliance/fleet/falcon 0 0 4\r\ngone\r\n");
  }
  await monitoring.ask("get empire/death-star/plans\r\n");
  await monitoring.ask("get empire/payroll\r\n");
  await maintenance.ask("flush_all\r\n");
  using stranger = await stage.peer("127.0.0.9");
  await stranger.closed();
  return stack.move();
}

/** Until the policy has been asked about all that is denied. */
async function settled(page: Page, denials: number): Promise<void> {
  await page.locator("#denials .why", { hasText: /covers it|closes ingress/ })
    .nth(denials - 1).waitFor();
}

const STEPS: readonly {
  readonly name: string;
  readonly act: (stage: Stage, visit: Visit) => Promise<void>;
}[] = [
  {
    name: "is understood: the pictures of the documentation",
    async act(stage, { page }) {
      using _traffic = await bustle(stage);
      for (const scheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await settled(page, 4);
        const picture = await page.screenshot({ animations: "disabled" });
        assert(picture.length > 10_000);
        if (!TAKES_SCREENSHOTS) continue;
        await Deno.writeFile(`${DOCS}page-${scheme}.png`, picture);
      }
      const grounds = await Promise.all(
        (["light", "dark"] as const).map(async (scheme) => {
          await using other = await stage.visit({ colorScheme: scheme });
          return await other.page.evaluate(
            "getComputedStyle(document.documentElement).backgroundColor",
          );
        }),
      );
      assertEquals(new Set(grounds).size, 2);
    },
  },
  {
    name: "shows hostile keys as text, whole or cut",
    async act(stage, { page }) {
      using peer = await stage.peer(MONITORING);
      for (const { key } of HOSTILE) {
        // One character a byte.
        const bytes = new TextEncoder().encode(key);
        await peer.ask(`get ${String.fromCharCode(...bytes)}\r\n`);
      }
      for (const { seen } of HOSTILE) {
        await page.locator("#lines td", { hasText: seen }).first().waitFor();
      }
      const why = page.locator("#lines tr", { hasText: "onerror" })
        .getByRole("button", { name: "Why?" });
      await why.first().click();
      await page.locator("#answer").getByText("no L7 rule").waitFor();
      // Files are named by whoever can write them.
      await stage.sidecar.savePolicy("<img src=x onerror=alert(2)>.yaml", "{");
      await page.locator("#policies").getByText("<img src=x").first().waitFor();
      assertEquals(
        await page.evaluate(
          "document.querySelectorAll('img, iframe, object, script:not([src]), [onerror]').length",
        ),
        0,
      );
    },
  },
  {
    name: "keeps other pages' frames, scripts and guesses out",
    async act({ origin }) {
      const response = await fetch(`${origin}/`);
      const text = await response.text();
      const header = (name: string) => response.headers.get(name) ?? "";
      const policy = header("content-security-policy");
      for (
        const directive of [
          "default-src 'none'",
          "script-src 'self'",
          "frame-ancestors 'none'",
          "require-trusted-types-for 'script'",
        ]
      ) assert(policy.includes(directive), policy);
      assert(!/unsafe|https?:|data:/.test(policy), policy);
      assertEquals(header("x-content-type-options"), "nosniff");
      assertEquals(header("referrer-policy"), "no-referrer");
      assert(!/<script(?![^>]*\bsrc=)|\bstyle=|\bon[a-z]+=/i.test(text));
      const again = await fetch(`${origin}/`, {
        headers: { "if-none-match": header("etag") },
      });
      await again.body?.cancel();
      assertEquals(again.status, 304);
      for (const path of ["/page/nothing.js", "/page/..%2fproblem.ts"]) {
        const missing = await fetch(`${origin}${path}`);
        const { detail } = await missing.json();
        assertEquals(missing.status, 404, detail);
      }
    },
  },
  {
    name: "is reached by the keyboard alone, and shows where it is",
    async act(stage, { page }) {
      using _traffic = await bustle(stage);
      await settled(page, 4);
      await page.locator("#connections").getByText("2 open.").waitFor();
      await page.getByRole("button", { name: "Pause" }).click();
      await page.getByText("Paused: what is logged now is not shown.")
        .waitFor(); // and no row comes any more
      const wanted = await page.evaluate(`
        globalThis.all = [...document.querySelectorAll("a, button, input, select, textarea, [tabindex='0']")];
        all[0].focus();
        all.length
      `) as number;
      const reached = [0];
      while (reached.length < wanted) {
        await page.keyboard.press("Tab");
        const [index, outline] = await page.evaluate(`(() => {
          const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
          return [all.indexOf(document.activeElement), outlineStyle + " " + outlineWidth];
        })()`) as [number, string];
        reached.push(index);
        assertEquals(outline, "solid 3px", `element ${index}`);
      }
      assertEquals(reached, Array.from({ length: wanted }, (_, i) => i));

      await page.locator("#denials button").first().focus();
      await page.keyboard.press("Enter");
      await page.locator("#answer").getByText("denied").waitFor();
      assertEquals(await page.evaluate("document.activeElement.id"), "why");
      await page.locator("#pause").focus();
      await page.keyboard.press("Space");
      assertEquals(
        await page.locator("#pause").getAttribute("aria-pressed"),
        "false",
      );
    },
  },
  {
    name:
      "has nothing that axe-core finds serious, light or dark, wide or narrow",
    async act(stage) {
      using _traffic = await bustle(stage);
      for (const colorScheme of ["light", "dark"] as const) {
        await using visit = await stage.visit({ colorScheme });
        const { page } = visit;
        await settled(page, 4);
        await page.locator("#denials button").first().click();
        await page.locator("#answer").getByText("denied").waitFor();
        await page.locator("#connection-rows tr").first().waitFor();
        for (const width of [1280, 400]) {
          await page.setViewportSize({ width, height: 900 });
          assertEquals(await faultsOf(page), [], `${colorScheme} ${width}`);
        }
      }
    },
  },
];

/** Serious and critical ones. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return await page.evaluate(`axe.run().then(({ violations }) =>
    violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
      .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) =>
        id + ": " + html + " " + failureSummary)))`);
}

testWith(
  { memcached, browser },
  "the look of the page",
  async (tools, test) => {
    await using stage = await Stage.open(tools);
    for (const { name, act } of STEPS) {
      await test.step(name, async () => {
        await using visit = await stage.visit();
        await act(stage, visit);
      });
    }
  },
);
