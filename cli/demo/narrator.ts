/**
 * Prints the tour: headings, what was sent and received, and whether it was
 * right. Colours are for terminals only.
 *
 * @module
 */

/** How a text stands out. */
export type Tone = "strong" | "faint" | "good" | "bad";

const CODES: Readonly<Record<Tone, number>> = {
  strong: 1,
  faint: 2,
  good: 32,
  bad: 31,
};

/** Columns of a paragraph, and of the labels before what is shown. */
const WIDTH = 84;
const LABEL = 13;

/** Writes to one output. */
export class Narrator {
  readonly #print: (line: string) => void;
  readonly #coloured: boolean;

  constructor(print: (line: string) => void, coloured: boolean) {
    this.#print = print;
    this.#coloured = coloured;
  }

  /** Standard output, in colour if somebody sees it and did not ask otherwise. */
  static ofStdout(): Narrator {
    const coloured = Deno.stdout.isTerminal() && !Deno.noColor;
    return new Narrator((line) => console.log(line), coloured);
  }

  heading(text: string): void {
    this.#print("");
    this.#print(this.paint("strong", text));
    this.blank();
  }

  blank(): void {
    this.#print("");
  }

  /** What is about to happen, and why. */
  say(text: string): void {
    for (const line of wrap(text, WIDTH)) {
      this.#print(`  ${this.paint("faint", line)}`);
    }
  }

  /** Something observed, behind a label; an empty label continues the last one. */
  show(label: string, text: string): void {
    for (const [index, line] of wrap(text, WIDTH - LABEL).entries()) {
      const shown = (index === 0 ? label : "").padEnd(LABEL);
      this.#print(`  ${this.paint("faint", shown)}${line}`);
    }
  }

  /** Something to copy: as it is, however long. */
  line(text: string): void {
    this.#print(`    ${text}`);
  }

  /** One thing that was observed to be right or wrong. */
  check(right: boolean, text: string): void {
    const mark = right ? this.paint("good", "✓") : this.paint("bad", "✗");
    this.#print(`  ${mark} ${text}`);
  }

  paint(tone: Tone, text: string): string {
    return this.#coloured ? `\x1b[${CODES[tone]}m${text}\x1b[0m` : text;
  }
}

/** Bytes as they would be written in source code. */
export function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
