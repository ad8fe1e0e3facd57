/**
 * Walking a value of unknown shape, reporting faults where they stand.
 *
 * The shape has its own check (shape.ts), which has reported what is of the
 * wrong type; here such a value counts as absent, so that the faults in the
 * rest of the document are still found.
 *
 * @module
 */
import { formatPath, type Path, type Problem } from "./problem.ts";
import type { YamlDocument } from "./yaml.ts";

export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly mend: string;
}

/** Collects the problems of one document. */
export class Reporter {
  readonly problems: Problem[] = [];
  /** The document's name, once known; stands in the problems that follow. */
  document?: string;

  constructor(readonly yaml: YamlDocument) {}

  add(
    severity: Problem["severity"],
    path: Path,
    part: "key" | "value",
    fault: Fault,
  ): void {
    const { yaml } = this;
    const position = part === "key" ? yaml.keyAt(path) : yaml.valueAt(path);
    const { code, message, mend } = fault;
    this.problems.push({
      severity,
      code,
      file: yaml.file,
      ...position,
      path: formatPath(path),
      ...(this.document === undefined ? {} : { document: this.document }),
      message,
      mend,
    });
  }
}

/** A value and where it stands. */
export class Cursor {
  constructor(
    readonly reporter: Reporter,
    readonly path: Path,
    readonly value: unknown,
  ) {}

  /** Whether something is written here; `null` counts as nothing. */
  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  get(key: string): Cursor {
    const value = isMapping(this.value) && Object.hasOwn(this.value, key)
      ? this.value[key]
      : undefined;
    return new Cursor(this.reporter, [...this.path, key], value);
  }

  /** The items of a list; of anything else none. */
  items(): Cursor[] {
    if (!Array.isArray(this.value)) return [];
    return this.value.map((item, index) => {
      return new Cursor(this.reporter, [...this.path, index], item);
    });
  }

  /** Whether a list is written here, and it is empty. */
  get isEmptyList(): boolean {
    return Array.isArray(this.value) && this.value.length === 0;
  }

  /** Whether a list is written here, and it has items. */
  get hasItems(): boolean {
    return Array.isArray(this.value) && this.value.length > 0;
  }

  keys(): string[] {
    return isMapping(this.value) ? Object.keys(this.value) : [];
  }

  text(): string | undefined {
    return typeof this.value === "string" ? this.value : undefined;
  }

  number(): number | undefined {
    return typeof this.value === "number" ? this.value : undefined;
  }

  boolean(): boolean | undefined {
    return typeof this.value === "boolean" ? this.value : undefined;
  }

  /** Reports a fault of the value. */
  error(code: string, message: string, mend: string): void {
    this.reporter.add("error", this.path, "value", { code, message, mend });
  }

  warn(code: string, message: string, mend: string): void {
    this.reporter.add("warning", this.path, "value", { code, message, mend });
  }

  /** Reports that the key should not be there, whatever its value. */
  errorAtKey(code: string, message: string, mend: string): void {
    this.reporter.add("error", this.path, "key", { code, message, mend });
  }

  /** Says something of the value that is neither wrong nor doubtful. */
  note(code: string, message: string, mend: string): void {
    this.reporter.add("note", this.path, "value", { code, message, mend });
  }

  warnAtKey(code: string, message: string, mend: string): void {
    this.reporter.add("warning", this.path, "key", { code, message, mend });
  }
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
