/**
 * Statements of every kind, about the schema of the fixture and about things
 * that they make and drop themselves. Most of them a server accepts.
 *
 * @module
 */
import { Random } from "../random.ts";
import * as roles from "./role_statements.ts";
import * as rows from "./rows.ts";
import * as schema from "./schema_statements.ts";
import { Session } from "./session.ts";
import { cql, flat, spell, type Tokens } from "./spelling.ts";

/** A statement. */
export interface Generated {
  readonly text: string;
  /** Its first word. */
  readonly verb: string;
  /** Whether it must be prepared: it has markers for values. */
  readonly prepared: boolean;
}

/** Statements that may have markers. */
const PREPARED = ["SELECT", "INSERT", "UPDATE", "DELETE", "BEGIN"];
const LITERAL = /^['$]|^-?[0-9]/;

/** The next few statements; those that make something are followed by those that drop it. */
function next(s: Session): Generated[] {
  const made = some(s);
  const statements = made.map((tokens) => spelled(s, tokens, false));
  // Now and then one that is not quite one, and one whose values come later.
  if (s.one(8)) {
    statements.push(spelled(s, broken(s, made[0]!), false));
  }
  const verb = flat(made[0]!)[0] as string;
  if (PREPARED.includes(verb) && s.one(4)) {
    statements.push(spelled(s, marked(s, made[0]!), true));
  }
  return statements;
}

function some(s: Session): Tokens[] {
  const random = s.random;
  switch (random.below(40)) {
    case 0:
      return [rows.use(s)];
    case 1:
    case 2:
      return [rows.batch(s)];
    case 3:
      return [
        cql`TRUNCATE ${s.perhaps(s.tableWord())} ${s.table()}`,
      ];
    case 4:
      return schema.describes(s);
    case 5:
      return schema.tables(s);
    case 6:
      return schema.indexes(s);
    case 7:
      return schema.views(s);
    case 8:
      return schema.types(s);
    case 9:
      return schema.functions(s);
    case 10:
      return schema.keyspaces(s);
    case 11:
    case 12:
      return roles.roles(s);
    case 13:
    case 14:
      return roles.grants(s);
    case 15:
      return roles.lists(s);
    case 16:
      return schema.triggers(s);
  }
  if (random.below(2) === 0) return [rows.select(s)];
  return [random.below(5) === 0 ? rows.counter(s) : rows.modification(s)];
}

function spelled(s: Session, tokens: Tokens, prepared: boolean): Generated {
  const first = flat(tokens)[0];
  const verb = typeof first === "string" ? first : "";
  return { text: spell(s.random, tokens), verb, prepared };
}

/** A statement with a token lost, doubled, or of another place. */
function broken(s: Session, statement: Tokens): Tokens {
  const random = s.random;
  const tokens = [...flat(statement)];
  const at = random.below(tokens.length);
  const another = tokens[random.below(tokens.length)]!;
  const instead = random.pick([[], [tokens[at]!, another], [another]]);
  tokens.splice(at, 1, ...instead);
  return tokens;
}

/** A statement with markers for some of its literals. */
function marked(s: Session, statement: Tokens): Tokens {
  return flat(statement).map((token) => {
    const isLiteral = typeof token !== "string" && LITERAL.test(token.raw);
    if (!isLiteral || s.one(3)) return token;
    return s.one(2) ? "?" : [":", s.name("Some")];
  });
}

/** So many statements and a few more, by a seed. */
export function generate(count: number, seed: number): Generated[] {
  const session = new Session(new Random(seed));
  const generated: Generated[] = [];
  while (generated.length < count) generated.push(...next(session));
  return generated;
}
