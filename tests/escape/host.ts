/**
 * What a data worker does, in small: puts up the walls, imports a hostile
 * parser and a harmless one, feeds both, and writes down all that leaves them.
 *
 * Whatever the hostile one finds or changes shows in what is written: it holds
 * what was injected, logged and thrown, and what the harmless one made of its
 * connection's bytes afterwards. The engine's own doings with a secret go on
 * between the calls.
 */
import { openLibc } from "../../proxy/linux/libc.ts";
import { enter, SANDBOX_SYMBOLS } from "../../proxy/sandbox/enter.ts";
import { readMissing } from "../../proxy/sandbox/missing.ts";
import { ParserConnection } from "../../proxy/session/parser_connection.ts";
import { type Sink, Stream } from "../../proxy/session/stream.ts";
import { thrownText } from "../../proxy/thrown.ts";
import type { Connection, ParserDefinition } from "parley/proxylib";

/** Taken before the walls go up, as a worker does. */
const { stdout, exit } = Deno;
const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");
const wait = setTimeout;

function say(line: string): void {
  stdout.writeSync(encoder.encode(`${line}\n`));
}

const { args, missing } = readMissing(Deno.args);
const [folders, hostileUrl, harmlessUrl, secret] = args as [
  string,
  string,
  string,
  string,
];

/** One receive buffer for each parser version: what is left in it is its own. */
class Receiver {
  #buffer = new Uint8Array(64 * 1024);

  /** Bytes as they come from a socket: a view of the buffer. */
  receive(text: string): Uint8Array {
    // A parser can take its buffer's memory away; it has none then, others have theirs.
    if (this.#buffer.length === 0) this.#buffer = new Uint8Array(64 * 1024);
    const { written } = encoder.encodeInto(text, this.#buffer);
    return this.#buffer.subarray(0, written);
  }
}

/** A connection's engine with a parser behind it. */
class Side {
  readonly #receiver = new Receiver();
  readonly #stream: Stream;

  constructor(readonly name: string, definition: ParserDefinition) {
    const sink: Sink = {
      write: (reply, bytes) =>
        say(`${name} ${reply ? "<" : ">"} ${decoder.decode(bytes).trimEnd()}`),
      end: () => {},
      partial: () => {},
      fail: ({ detail }) => say(`${name} failed: ${detail}`),
      repliesDone: () => {},
    };
    const endpoint = Object.freeze({
      address: "127.0.0.1:1",
      labels: Object.freeze(["reserved:host"]),
    });
    const allowed = Object.freeze({ allowed: true, verdict: "forwarded" });
    const connection = new ParserConnection({
      id: 1,
      direction: "ingress",
      source: endpoint,
      destination: endpoint,
      port: 1,
      frameBytes: 1 << 24,
      shared: { get: () => undefined, set: () => {} },
      matches: () => allowed as ReturnType<Connection["matches"]>,
      inject: (reply, bytes) => this.#stream.inject(reply, bytes),
      logsResponses: true,
      logRequest({ fields }) {
        say(`${name} log ${JSON.stringify(fields)}`);
        return 0;
      },
      answered: () => {},
    }, true);
    this.#stream = new Stream(definition.create(connection), sink, 65536);
  }

  feed(text: string): void {
    this.#stream.feed(false, this.#receiver.receive(text), false);
  }
}

/** What an engine does with its own values, by way of what a parser may have changed. */
async function secretDoings(): Promise<void> {
  const capability = Object.freeze({ secret, call: () => secret });
  const map = new Map([["capability", capability]]);
  const list = [capability];
  list.push(map.get("capability")!);
  for (const entry of list) {
    entry.call.call(null);
    Reflect.apply(entry.call, null, [secret]);
  }
  JSON.stringify(list.map((entry) => entry.secret).concat([secret]));
  const bytes = encoder.encode(secret);
  new Uint8Array(bytes.length).set(bytes.subarray(0).slice());
  decoder.decode(bytes).split(",").join(";").replace("x", "y");
  /c.*y/.exec(secret);
  await Promise.resolve(capability).then((value) => value.secret);
}

async function load(url: string): Promise<ParserDefinition | undefined> {
  try {
    const late = new Promise<never>((_resolve, reject) =>
      wait(() => reject(new Error("loading does not come to an end")), 1000)
    );
    const { default: definition } = await Promise.race([import(url), late]);
    return definition as ParserDefinition;
  } catch (error) {
    say(`load: ${thrownText(error)}`);
    return undefined;
  }
}

/** A turn of the runtime's loop: what a parser left to be done later has been. */
function turn(): Promise<void> {
  return new Promise((resolve) => wait(resolve, 5));
}

const libc = openLibc(SANDBOX_SYMBOLS);
const entered = enter({
  libc,
  parsers: [folders],
  missing,
  rejected: (reason) => say(`rejected: ${thrownText(reason)}`),
});
for (const what of entered.missing) say(`missing: ${what}`);

const hostile = await load(hostileUrl);
const harmless = (await load(harmlessUrl))!;
const victim = new Side("victim", harmless);
victim.feed(`first ${secret}\n`);
await secretDoings();
if (hostile) {
  try {
    const attacker = new Side("attacker", hostile);
    for (const text of ["one\n", "two\n", "three\n"]) {
      attacker.feed(text);
      await turn();
      await secretDoings();
      victim.feed(`${text.trim()} ${secret}\n`);
    }
    attacker.feed("last\n");
  } catch (error) {
    say(`create: ${thrownText(error)}`);
  }
}
await turn();
victim.feed("last\n");
say("the host is alive");
exit(0);
