/**
 * What generated statements share: chance, the session's keyspace, and names
 * that nobody else has.
 *
 * @module
 */
import type { Random } from "../random.ts";
import { KEYSPACES, TABLES } from "./fixture.ts";
import { cql, name, type Tokens } from "./spelling.ts";

/** One session, as far as statements have come. */
export class Session {
  readonly random: Random;
  /** The one that was last used; empty if none was. */
  keyspace = "";
  #made = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** True once in so many times. */
  one(of: number): boolean {
    return this.random.below(of) === 0;
  }

  /** These tokens or none. */
  perhaps(tokens: Tokens): Tokens {
    return this.one(2) ? tokens : [];
  }

  /** A spelling of a name. */
  name(text: string): Tokens {
    return name(this.random, text);
  }

  /** A name of one's own, so that nothing is made twice. */
  fresh(): string {
    return this.random.pick(["made_", "Made_", "type_"]) + this.number();
  }

  /** Something in a keyspace: without saying which if the session has it. */
  in(keyspace: string, thing: string): Tokens {
    return keyspace === this.keyspace && !this.one(3)
      ? this.name(thing)
      : cql`${this.name(keyspace)} . ${this.name(thing)}`;
  }

  /** A keyspace, and rather the session's. */
  someKeyspace(): string {
    return this.keyspace !== "" && !this.one(3)
      ? this.keyspace
      : this.random.pick(KEYSPACES);
  }

  /** A table of the fixture. */
  table(): Tokens {
    return this.in(this.someKeyspace(), this.random.pick(TABLES));
  }

  /** The word for it. */
  tableWord(): Tokens {
    return this.random.pick(["TABLE", "COLUMNFAMILY"]);
  }

  /** A number that nobody else has. */
  number(): number {
    return this.#made++;
  }
}
