/**
 * Puts budget checks into a parser's module: at each turn of a loop and at each
 * start of a function, so that whatever runs for long comes by one (see
 * `meter.ts`). Everything stays on its line.
 *
 * What runs without end does so by a loop or by calling itself. Expressions that
 * a call evaluates before, or without, running a body can call themselves as
 * well: twice each time, they take for ever without going deep. So they get
 * checks of their own: defaults of parameters, and fields, computed keys and
 * heritage of classes.
 *
 * @module
 */
import type {
  AnonymousFunctionDeclaration,
  ArrowFunctionExpression,
  Class,
  FunctionDeclaration,
  FunctionExpression,
  Node,
  Pattern,
  Program,
  Statement,
  StaticBlock,
} from "acorn";
import type MagicString from "magic-string";
import { BUDGET } from "./gate.ts";
import { TURNS } from "./meter.ts";

type AnyFunction =
  | FunctionDeclaration
  | AnonymousFunctionDeclaration
  | FunctionExpression
  | ArrowFunctionExpression;

/** Names that stand for the meter in one module, and nowhere in the author's code. */
interface Names {
  readonly charge: string;
  readonly turns: string;
  readonly load: string;
  /** Turns that a body's loops may still take before they are charged. */
  readonly left: string;
}

/** Where the checks of a body go whose loops are counted together: that of a function, a static block, or the module. */
interface Body {
  readonly start: number;
  counts: boolean;
}

/** Writes the checks of a module into `output`, whose original text is `code`. */
export function insertChecks(
  program: Program,
  code: string,
  output: MagicString,
): void {
  const [first] = program.body;
  if (!first) return;
  const names = freeNames(program, code);
  const { charge, turns, load } = names;
  const insertion = new Insertion(output, names);
  // Not at the very start: a hashbang may stand there.
  const body = insertion.open(
    program.body,
    first.start,
    `import{charge as ${charge},turns as ${turns},load as ${load}}` +
      `from"${BUDGET}";${load}();`,
  );
  insertion.walk(program, body);
}

/** No code of the author's can mean these: they do not occur in the module, not even with escapes. */
function freeNames(program: Program, code: string): Names {
  const taken = new Set<string>();
  forEachNode(program, (node) => {
    if ("name" in node) taken.add(node.name as string);
  });
  const isFree = (name: string) => !code.includes(name) && !taken.has(name);
  for (let number = 0;; number++) {
    const names = {
      charge: `$charge${number}`,
      turns: `$turns${number}`,
      load: `$load${number}`,
      left: `$left${number}`,
    };
    if (Object.values(names).every(isFree)) return names;
  }
}

/** One pass over one module, parents before children: insertions at one place stand in that order. */
class Insertion {
  readonly #output: MagicString;
  readonly #names: Names;
  readonly #check: string;

  constructor(output: MagicString, names: Names) {
    this.#output = output;
    this.#names = names;
    this.#check = `${names.charge}()`;
  }

  /** Has a body begin with `text`, behind its directives. */
  open(statements: readonly Node[], start: number, text: string): Body {
    const directive = statements.findLast((node) => "directive" in node);
    const body = { start: directive?.end ?? start, counts: false };
    this.#output.appendLeft(body.start, directive ? `;${text}` : text);
    return body;
  }

  walk(node: Node, body: Body): void {
    const inner = this.#visit(node, body) ?? body;
    forEachChild(node, (child) => this.walk(child, inner));
  }

  /** Answers the body that loops below this node belong to, if it is another one. */
  #visit(node: Node, body: Body): Body | undefined {
    switch (node.type) {
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
      case "WhileStatement":
      case "DoWhileStatement":
        this.#loop((node as Node & { body: Statement }).body, body);
        return undefined;
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return this.#function(node as AnyFunction);
      case "ClassDeclaration":
      case "ClassExpression":
        this.#class(node as Class);
        return undefined;
      case "StaticBlock":
        return this.#staticBlock(node as StaticBlock);
    }
  }

  /**
   * A loop charges its turns by the dozen: counting them in a variable of the
   * body's own costs a quarter. The count is set anew only once the check has
   * passed, so a loop around a `catch` comes by the next check at once.
   */
  #loop(repeated: Statement, body: Body): void {
    const { left, turns } = this.#names;
    if (!body.counts) {
      this.#output.appendLeft(body.start, `let ${left}=${TURNS};`);
      body.counts = true;
    }
    const check = `--${left}>0||(${turns}(),${left}=${TURNS});`;
    if (repeated.type === "BlockStatement") {
      this.#output.appendLeft(repeated.start + 1, check);
    } else this.#wrap(repeated, `{${check}`, "}");
  }

  #function({ params, body }: AnyFunction): Body | undefined {
    for (const each of params) this.#defaults(each);
    if (body.type === "BlockStatement") {
      return this.open(body.body, body.start + 1, `${this.#check};`);
    }
    this.#guard(body);
    return undefined;
  }

  #staticBlock({ body }: StaticBlock): Body | undefined {
    const [first] = body;
    return first && this.open(body, first.start, `${this.#check};`);
  }

  #defaults(pattern: Pattern): void {
    forEachNode(pattern, (node) => {
      // Those within a nested function are met twice, which does no harm.
      if (node.type === "AssignmentPattern") {
        this.#value((node as Node & { right: Node }).right);
      } else if (node.type === "Property") this.#key(node as KeyedNode);
    });
  }

  #class({ superClass, body }: Class): void {
    if (superClass) this.#value(superClass);
    for (const member of body.body) {
      if (member.type === "StaticBlock") continue;
      this.#key(member);
      if (member.type === "PropertyDefinition" && member.value) {
        this.#value(member.value);
      }
    }
  }

  #key({ computed, key }: KeyedNode): void {
    if (computed) this.#value(key);
  }

  /** A value that may be computed. Functions and classes without a name would lose that of their place. */
  #value(value: Node): void {
    if (!INERT.has(value.type) && !isAnonymous(value)) this.#guard(value);
  }

  /** An expression, with a check before it is evaluated. */
  #guard(expression: Node): void {
    this.#wrap(expression, `(${this.#check},`, ")");
  }

  #wrap({ start, end }: Node, before: string, after: string): void {
    this.#output.appendLeft(start, before);
    this.#output.prependRight(end, after);
  }
}

/** Expressions whose evaluation calls nothing. */
const INERT: ReadonlySet<string> = new Set(["Literal", "Identifier"]);

type KeyedNode = Node & { readonly computed: boolean; readonly key: Node };

/** ECMA-262, IsAnonymousFunctionDefinition. */
function isAnonymous(node: Node): boolean {
  if (node.type === "ArrowFunctionExpression") return true;
  return /^(?:Function|Class)Expression$/.test(node.type) &&
    !(node as Node & { id?: Node | null }).id;
}

/** Visits a node and all below it, parents first. */
function forEachNode(node: Node, visit: (node: Node) => void): void {
  visit(node);
  forEachChild(node, (child) => forEachNode(child, visit));
}

function forEachChild(node: Node, visit: (node: Node) => void): void {
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") visit(child);
    }
  }
}
