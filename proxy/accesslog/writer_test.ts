/** Writing lines: whole, in batches, bounded, and past every failure of the sink. */
import {
  deepStrictEqual as assertEquals,
  match as assertMatch,
  ok as assert,
} from "node:assert/strict";
import { fileSink } from "./sinks.ts";
import { type LogSink, LogWriter } from "./writer.ts";

/** A sink whose writes the test lets through one by one, or all at once. */
class Gate implements LogSink {
  readonly batches: string[] = [];
  closed = false;
  reopened = 0;
  #open = Promise.withResolvers<void>();
  #entered = Promise.withResolvers<void>();

  async write(bytes: Uint8Array): Promise<void> {
    this.#entered.resolve();
    await this.#open.promise;
    this.batches.push(new TextDecoder().decode(bytes));
  }

  /** Somebody is writing, or waits at the gate. */
  get entered(): Promise<void> {
    return this.#entered.promise;
  }

  open(): void {
    this.#open.resolve();
  }

  reopen(): void {
    this.reopened++;
  }

  close(): void {
    this.closed = true;
  }

  get text(): string {
    return this.batches.join("");
  }
}

function setUp() {
  const sink = new Gate();
  const warnings: string[] = [];
  const writer = new LogWriter(sink, (message) => warnings.push(message));
  return { sink, warnings, writer };
}

const line = (i: number) => `{"line":${i}}\n`;

Deno.test("lines are written whole, in order, and many at a time", async () => {
  const { sink, writer } = setUp();
  sink.open();
  const lines = Array.from({ length: 20_000 }, (_, i) => line(i));
  for (const each of lines) writer.write(each);
  await writer.close();
  assertEquals(sink.text, lines.join(""));
  assert(sink.batches.length < 10, `${sink.batches.length} batches`);
  for (const batch of sink.batches) assert(batch.endsWith("}\n"));
});

Deno.test("a few lines are written soon, without a close", async () => {
  const { sink, writer } = setUp();
  sink.open();
  writer.write(line(1));
  assertEquals(sink.batches, []);
  await sink.entered;
  await writer.close();
  assertEquals(sink.batches, [line(1)]);
});

Deno.test("close writes what is pending, then closes the sink", async () => {
  const { sink, writer } = setUp();
  writer.write(line(1));
  const closed = writer.close();
  await sink.entered;
  writer.write(line(2)); // while the first is on its way
  assertEquals(sink.closed, false);
  sink.open();
  await closed;
  assertEquals(sink.text, line(1) + line(2));
  assert(sink.closed);
});

Deno.test("past the bound lines are dropped, and their number is itself logged", async () => {
  const { sink, warnings, writer } = setUp();
  const wide = `${"x".repeat(64 * 1024 - 1)}\n`;
  const written = 400; // 25 MiB
  writer.write(wide);
  await sink.entered; // and held there
  for (let i = 1; i < written; i++) writer.write(wide);
  sink.open();
  await writer.close();
  const lines = sink.text.split("\n").slice(0, -1);
  const whole = lines.filter((text) => text.length === wide.length - 1).length;
  const report = JSON.parse(lines.find((text) => text.startsWith("{"))!);
  assertEquals(lines.length, whole + 1);
  assertEquals(report.fields.dropped, written - whole);
  assertEquals(report.reason, "lines-dropped");
  assertMatch(report.time, /^\d{4}-.*\.\d{6}Z$/);
  assert(whole * wide.length <= 10 * 1024 * 1024, "the bound is no bound");
  assert(whole > 100, "it dropped more than it had to");
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, new RegExp(`${written - whole} lines dropped`));
});

Deno.test("a failing sink throws nothing at traffic, and later lines are tried again", async () => {
  const warnings: string[] = [];
  const got: string[] = [];
  let broken = true;
  const writer = new LogWriter({
    write(bytes) {
      if (broken) return Promise.reject(new Error("no space left"));
      got.push(new TextDecoder().decode(bytes));
      return Promise.resolve();
    },
    reopen() {},
    close() {},
  }, (message) => {
    warnings.push(message);
    broken = false;
    writer.write(line(2));
  });
  writer.write(line(1));
  await writer.close();
  assertEquals(got, [line(2)]);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /no space left/);
});

Deno.test("a line that comes just as a batch ends is not left lying", async () => {
  // The moments after a batch, one by one: a full batch that is handed over in
  // any of them must be written without a close, and without a timer of its own.
  const full = `${"x".repeat(64 * 1024)}\n`;
  for (let turns = 0; turns < 12; turns++) {
    const second = Promise.withResolvers<void>();
    let batches = 0;
    const writer = new LogWriter({
      async write() {
        if (++batches === 2) second.resolve();
        await Promise.resolve();
        void (async () => {
          for (let i = 0; i < turns; i++) await Promise.resolve();
          if (batches === 1) writer.write(full);
        })();
      },
      reopen() {},
      close() {},
    }, () => {});
    writer.write(full);
    const timer = setTimeout(
      () => second.reject(new Error(`left lying after ${turns} turns`)),
      60_000,
    );
    await second.promise.finally(() => clearTimeout(timer));
    await writer.close();
  }
});

Deno.test("a log that cannot be reopened goes on in the old file, and says so", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/logs/access.log`;
  await Deno.mkdir(`${folder}/logs`);
  const warnings: string[] = [];
  const writer = new LogWriter(fileSink(file), (text) => warnings.push(text));
  writer.write(line(1));
  await Deno.rename(`${folder}/logs`, `${folder}/gone`);
  writer.reopen();
  writer.write(line(2));
  await writer.close();
  assertEquals(
    await Deno.readTextFile(`${folder}/gone/access.log`),
    line(1) + line(2),
  );
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /access\.log/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a log is reopened between two batches, never during one", async () => {
  const { sink, writer } = setUp();
  writer.write(line(1));
  await sink.entered;
  writer.reopen();
  writer.reopen();
  assertEquals(sink.reopened, 0);
  sink.open();
  await writer.close();
  assertEquals(sink.reopened, 1);
  const idle = setUp();
  idle.writer.reopen();
  assertEquals(idle.sink.reopened, 1);
  await idle.writer.close();
});

Deno.test("a rotation in the middle of a batch tears no line", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/access.log`;
  const warnings: string[] = [];
  const writer = new LogWriter(fileSink(file), (text) => warnings.push(text));
  const wide = `${"y".repeat(1023)}\n`;
  for (let turn = 0; turn < 20; turn++) {
    for (let i = 0; i < 500; i++) writer.write(wide);
    await Promise.resolve();
    // Not there: the rotation before this one is still to be followed.
    await Deno.rename(file, `${file}.${turn}`).catch(() => {});
    writer.reopen();
  }
  await writer.close();
  let lines = 0;
  for await (const { name } of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(`${folder}/${name}`);
    assertEquals(text.replaceAll(wide, ""), "");
    lines += text.length / wide.length;
  }
  assertEquals(lines, 20 * 500);
  assertEquals(warnings, []);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a line longer than the bound is written when nothing waits, and is no reason to call the sink slow", async () => {
  const { sink, warnings, writer } = setUp();
  sink.open();
  const long = `${"x".repeat(9 * 1024 * 1024)}\n`;
  writer.write(long);
  await writer.close();
  assertEquals(sink.text.length, long.length);
  assertEquals(warnings, []);
});
