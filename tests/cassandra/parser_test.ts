/**
 * Cassandra's own lexer and parser are the judges: what they take must be read
 * just as they read it. They are quick, so these are many texts, and most of
 * them damaged.
 *
 * `--count N` and `--seed N` behind `--`, as in audit_test.ts.
 *
 * @module
 */
import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import { parseArgs } from "node:util";
import { recognize, type Statement } from "../../parsers/cassandra/cql/mod.ts";
import { Scanner } from "../../parsers/cassandra/cql/scanner.ts";
import { T } from "../../parsers/cassandra/cql/tokens.ts";
import { Random } from "../random.ts";
import { cassandraServer, testWith, type Tool } from "../setup/mod.ts";
import { hostileTexts } from "./hostile.ts";
import { generate } from "./statements.ts";

const { values: options } = parseArgs({
  args: [...Deno.args],
  options: {
    count: { type: "string", default: "300" },
    seed: { type: "string", default: "5" },
  },
});
/** A server takes a hundred times as long for each. */
const COUNT = 20 * Number(options.count);
const SEED = Number(options.seed);

const server = await cassandraServer();

testWith(
  { server },
  "recognize() reads what Cassandra's parser takes as that does",
  async ({ server }) => {
    const random = new Random(SEED);
    const texts = generate(COUNT, SEED).map(({ text }) => text)
      .flatMap((text) => [text, damaged(random, text), damaged(random, text)]);
    const judgements = await judge(server, "statements", texts);
    const { wrong, taken } = misread(texts, judgements);
    console.log(`${texts.length} texts, ${taken} taken by the parser`);
    assertEquals(wrong, []);
    ok(taken > texts.length / 4, "hardly anything was taken");
  },
);

testWith(
  { server },
  "recognize() reads hostile texts as Cassandra's parser does",
  async ({ server }) => {
    const texts = hostileTexts();
    const judgements = await judge(server, "statements", texts);
    const { wrong, taken } = misread(texts, judgements);
    console.log(`${texts.length} hostile texts, ${taken} taken by the parser`);
    assertEquals(wrong, []);
    ok(taken > texts.length / 10, "hardly anything was taken");
  },
);

testWith(
  { server },
  "Scanner cuts what Cassandra's lexer takes as that does",
  async ({ server }) => {
    const random = new Random(SEED);
    const texts = Array.from({ length: COUNT * 5 }, () => soup(random));
    const judgements = await judge(server, "tokens", texts);
    const wrong = texts
      .map((text, i) => ({ text, want: judgements[i]!, have: spans(text) }))
      .filter(({ want, have }) => want !== "refused" && want !== have);
    const taken = judgements.filter((it) => it !== "refused").length;
    console.log(`${texts.length} texts, ${taken} taken by the lexer`);
    assertEquals(wrong, []);
    ok(taken > texts.length / 10, "hardly anything was taken");
  },
);

/** The texts that the parser takes and that are read otherwise here. */
function misread(
  texts: readonly string[],
  judgements: readonly string[],
): { wrong: unknown[]; taken: number } {
  const wrong: unknown[] = [];
  let taken = 0;
  for (const [i, text] of texts.entries()) {
    const judgement = judgements[i]!;
    if (judgement === "refused") continue;
    taken++;
    const statements = recognize(text);
    if (!agree(statements, judgement.split("\t"))) {
      wrong.push({ text, judgement, statements });
    }
  }
  return { wrong, taken };
}

/** What Cassandra's parser or lexer says of each text. */
async function judge(
  tool: Tool,
  what: "tokens" | "statements",
  texts: readonly string[],
): Promise<readonly string[]> {
  const child = new Deno.Command(tool.command, {
    // Its parser logs, and asks for a deep stack.
    args: ["-Xss8m", new URL("Judge.java", import.meta.url).pathname, what],
    env: tool.env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const encoder = new TextEncoder();
  const lines = texts.map((text) => `${encoder.encode(text).toBase64()}\n`);
  // If it ends before it has read them, its own words say more.
  await new Blob(lines).stream().pipeTo(child.stdin).catch(() => {});
  const { success, stdout, stderr } = await output;
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n")
    .filter((line) => line.startsWith("judged\t"))
    .map((line) => line.slice("judged\t".length));
}

/** Actions of the parser's classes, where their names do not say it. */
const ACTIONS: Readonly<Record<string, string>> = {
  SelectStatement$RawStatement: "select",
  UpdateStatement$ParsedInsert: "insert",
  UpdateStatement$ParsedInsertJson: "insert",
  UpdateStatement$ParsedUpdate: "update",
  DeleteStatement$Parsed: "delete",
  TruncateStatement: "truncate-table",
  ListUsersStatement: "list-users",
  GrantPermissionsStatement: "grant-permission",
  RevokePermissionsStatement: "revoke-permission",
  ListPermissionsStatement: "list-permissions",
  BatchStatement$Parsed: "empty-batch",
};

/** Whether the statements are those that the parser has found, and of the same tables and keyspaces. */
function agree(
  statements: readonly Statement[],
  judgements: readonly string[],
): boolean {
  const isBatch = judgements.length > 1;
  const parts = isBatch ? judgements.slice(1) : judgements;
  return statements.length === parts.length &&
    statements.every((statement, i) => agreeOnOne(statement, parts[i]!));
}

function agreeOnOne(statement: Statement, judgement: string): boolean {
  const [type, ...fields] = judgement.split("|");
  const { action, targets } = statement;
  if (type!.startsWith("DescribeStatement")) return action === "describe";
  const called = action.replace(/-user$/, "-role");
  if (called !== (ACTIONS[type!] ?? kebab(type!))) return false;
  const names = new Map(fields.map((field) => {
    const equals = field.indexOf("=");
    return [
      field.slice(0, equals),
      field.slice(equals + 1).split(".").map(decoded),
    ];
  }));
  if (/-keyspace$|^use$/.test(action)) {
    const keyspace = names.get("keyspaceName") ?? names.get("keyspace");
    return targets[0]!.kind === "keyspace" && targets[0]!.name === keyspace![0];
  }
  return tables(statement) === judgedTables(action, names);
}

function tables({ targets }: Statement): string {
  return targets.filter(({ kind }) => kind === "table")
    .map(({ keyspace, name }) => `${keyspace}.${name}`)
    .toSorted().join(" ");
}

function judgedTables(
  action: string,
  names: ReadonlyMap<string, readonly string[]>,
): string {
  // A view's table is of the view's keyspace: the parser leaves that for later.
  const [view = ""] = names.get("viewName") ?? [];
  return [...names]
    .filter(([field, name]) =>
      name.length === 2 && field !== "indexName" && action !== "drop-index"
    )
    .map(([, [keyspace, name]]) => `${keyspace || view}.${name}`)
    .toSorted().join(" ");
}

/** `CreateViewStatement$Raw` is `create-materialized-view`. */
function kebab(type: string): string {
  return type.replace(/Statement.*/, "").replace("View", "MaterializedView")
    .replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}

function decoded(base64: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(base64));
}

/** Where each token begins and ends. */
function spans(text: string): string {
  const scanner = new Scanner(text);
  let spans = "";
  for (scanner.scan(); scanner.kind > T.FAILED; scanner.scan()) {
    spans += `${scanner.start}-${scanner.end}\t`;
  }
  return scanner.kind === T.FAILED ? "refused" : spans;
}

const DAMAGE =
  (`' " $$ -- /* */ ; , ( ) . - a P 1 [ { } ] : ? from where if and ` +
    "expr( key as in json all group per table").split(" ").concat(" ", "\n");

/** A text with a few characters lost, and others put in. */
function damaged(random: Random, text: string): string {
  let result = text;
  for (let n = 1 + random.below(3); n > 0; n--) {
    const at = random.below(result.length + 1);
    const lost = random.below(4) === 0 ? random.below(8) : 0;
    const put = random.below(5) > 0 ? random.pick(DAMAGE) : "";
    result = result.slice(0, at) + put + result.slice(at + lost);
  }
  return result;
}

const SOUP =
  (`' " $$ $ -- // /* */ a e P p T 1 12 0 0x 12345678 -1234 - - . .. E x ns ` +
    "us µs mo M D Y H S W nan infinity -n -i true select SELECT _ masked expr ( ) expr( " +
    "abcdef01 < > = ! + % ; : ? [ { , é # @ f b d K P1Y PT P1234-01-01T00:00:00 " +
    "-1234-1234-123456789012 12345678-1234-1234-1234-123456789012 key TABLE table")
    .split(" ").concat(
      ...[" ", " ", "\n", "\r", "\t", "\f", "\0", "\v", "\u00a0", "\uffff"],
      ...["\u0130", "\u0131", "\u212a", "\u017f", "\ufeff", "\u2028", "\ud800"],
    );

/** Pieces of tokens in any order. */
function soup(random: Random): string {
  return Array.from({ length: 1 + random.below(6) }, () => random.pick(SOUP))
    .join("");
}
