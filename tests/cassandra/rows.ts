/**
 * Statements about rows.
 *
 * @module
 */
import { COLUMNS, COUNTERS, KEYSPACES, TABLES, VIEW } from "./fixture.ts";
import type { Session } from "./session.ts";
import { commas, cql, flat, raw, type Tokens } from "./spelling.ts";
import {
  condition,
  constant,
  PLAIN_COLUMNS,
  selection,
  value,
} from "./values.ts";

/** `USE`, which those behind it can rely on. */
export function use(s: Session): Tokens {
  s.keyspace = s.random.pick(KEYSPACES);
  return cql`USE ${s.name(s.keyspace)}`;
}

/** `SELECT`. */
export function select(s: Session): Tokens {
  const random = s.random;
  const keyspace = s.someKeyspace();
  const kind = random.below(10);
  if (kind === 0) {
    return cql`SELECT ${s.name("k")} , ${s.name("a")} FROM ${
      s.in(keyspace, VIEW)
    } WHERE ${s.name("C")} = ${raw("1")}`;
  }
  if (kind === 1) {
    return cql`SELECT ${s.name("k")} FROM ${
      s.in(keyspace, "orders")
    } ORDER BY ${s.name("vec")} ANN OF [ ${raw("1")} , ${raw("2.5")} , ${
      raw("-3")
    } ] LIMIT ${raw("3")}`;
  }
  if (kind === 2) {
    return cql`SELECT DISTINCT ${s.name("k")} FROM ${s.table()} ${
      s.perhaps(cql`LIMIT ${raw("7")}`)
    }`;
  }
  if (kind === 3) {
    return cql`SELECT ${s.name("k")} , ${
      random.pick<Tokens>([cql`COUNT ( * )`, cql`MAX ( ${s.name("a")} )`])
    } FROM ${s.table()} GROUP BY ${s.name("k")} ${
      s.perhaps(cql`, ${s.name("C")}`)
    }`;
  }
  const { tokens, filtering } = condition(random);
  return [
    cql`SELECT ${s.one(6) ? "JSON" : []} ${
      selection(random, () => s.name(keyspace))
    }`,
    cql`FROM ${s.in(keyspace, random.pick(TABLES))}`,
    s.one(4) ? [] : cql`WHERE ${tokens}`,
    s.one(6)
      ? cql`ORDER BY ${s.name("C")} ${random.pick<Tokens>(["ASC", "DESC", []])}`
      : [],
    s.one(6) ? cql`PER PARTITION LIMIT ${raw("2")}` : [],
    s.one(4) ? cql`LIMIT ${raw("10")}` : [],
    filtering ? cql`ALLOW FILTERING` : [],
  ];
}

/** `INSERT`, `UPDATE` or `DELETE`. */
export function modification(s: Session): Tokens {
  return s.random.pick([
    () => insert(s),
    () => update(s),
    () => remove(s),
  ])();
}

function attributes(s: Session): Tokens {
  return s.random.pick<Tokens>([
    [],
    [],
    cql`USING TIMESTAMP ${raw("1234")}`,
    cql`USING TTL ${raw("60")}`,
    cql`USING TTL ${raw("60")} AND TIMESTAMP ${raw("99")}`,
  ]);
}

function insert(s: Session): Tokens {
  const random = s.random;
  if (s.one(4)) {
    const json = random.pick([
      `'{"k": 1, "\\"C\\"": 2}'`,
      `$$ {"k": 1, "\\"C\\"": 3, "text": "it's"} $$`,
    ]);
    return cql`INSERT INTO ${s.table()} JSON ${raw(json)} ${
      random.pick<Tokens>([[], cql`DEFAULT NULL`, cql`DEFAULT UNSET`])
    } ${attributes(s)}`;
  }
  const columns = ["k", "C", ...PLAIN_COLUMNS.filter(() => s.one(4))];
  const names = commas(columns.map((c) => s.name(c)));
  const values = commas(
    columns.map((c) =>
      c === "k" || c === "C"
        ? constant(random, "int")
        : value(random, COLUMNS[c]!)
    ),
  );
  const rest = s.one(5) ? cql`IF NOT EXISTS` : attributes(s);
  return cql`INSERT INTO ${s.table()} ( ${names} ) VALUES ( ${values} ) ${rest}`;
}

function update(s: Session): Tokens {
  const random = s.random;
  const columns = PLAIN_COLUMNS.filter(() => s.one(5));
  const sets = commas(
    (columns.length > 0 ? columns : ["a"]).map((c) => assignment(s, c)),
  );
  const condition = random.pick<Tokens>([
    [],
    [],
    [],
    cql`IF EXISTS`,
    cql`IF ${s.name("a")} = ${raw("1")} AND ${s.name("text")} IN ( ${
      raw("'x'")
    } , ${raw("'y'")} )`,
    cql`IF ${s.name("counts")} [ ${raw("'x'")} ] != ${raw("4")}`,
    cql`IF ${s.name("spot")} . ${s.name("street")} = ${raw("'x'")}`,
    cql`IF ${s.name("tags")} CONTAINS ${raw("'x'")}`,
  ]);
  const using = flat(condition).length > 0 ? [] : attributes(s);
  return cql`UPDATE ${s.table()} ${using} SET ${sets} WHERE ${
    row(s)
  } ${condition}`;
}

function assignment(s: Session, column: string): Tokens {
  const random = s.random;
  const n = s.name(column);
  const some = () => constant(random, COLUMNS[column]!);
  switch (column) {
    case "tags":
      return random.pick([
        cql`${n} = ${n} + ${some()}`,
        cql`${n} += ${some()}`,
        cql`${n} -= ${some()}`,
      ]);
    case "items":
      return random.pick([
        cql`${n} = ${some()} + ${s.name(column)}`,
        cql`${n} = ${n} - ${some()}`,
      ]);
    case "counts":
      return random.pick([
        cql`${n} [ ${constant(random, "text")} ] = ${raw("3")}`,
        cql`${n} = ${n} + ${some()}`,
      ]);
    case "spot":
      return cql`${n} . ${s.name("Number")} = ${raw("5")}`;
  }
  return cql`${n} = ${value(random, COLUMNS[column]!)}`;
}

function row(s: Session): Tokens {
  return cql`${s.name("k")} = ${raw("1")} AND ${s.name("C")} = ${
    constant(s.random, "int")
  }`;
}

function remove(s: Session): Tokens {
  const random = s.random;
  const what = random.pick<Tokens>([
    [],
    s.name("a"),
    cql`${s.name("text")} , ${s.name("select")}`,
    cql`${s.name("counts")} [ ${raw("'x'")} ]`,
    cql`${s.name("spot")} . ${s.name("street")}`,
  ]);
  const conditional = s.one(5);
  const using = conditional || s.one(2) ? [] : cql`USING TIMESTAMP ${raw("7")}`;
  return cql`DELETE ${what} FROM ${s.table()} ${using} WHERE ${row(s)} ${
    conditional ? cql`IF EXISTS` : []
  }`;
}

/** `UPDATE` of a counter. */
export function counter(s: Session): Tokens {
  const c = s.name("c");
  const change = s.random.pick([
    cql`${c} = ${c} + ${raw("1")}`,
    cql`${c} = ${c} ${raw("-1")}`,
    cql`${c} -= ${raw("2")}`,
  ]);
  return cql`UPDATE ${s.in(s.someKeyspace(), COUNTERS)} SET ${change} WHERE ${
    s.name("k")
  } = ${raw("1")}`;
}

/** `BEGIN BATCH`. */
export function batch(s: Session): Tokens {
  const random = s.random;
  if (s.one(8)) return cql`BEGIN BATCH APPLY BATCH`;
  const counters = s.one(6);
  const kind = counters ? "COUNTER" : s.perhaps("UNLOGGED");
  const parts = Array.from({ length: 1 + random.below(4) }, () => [
    counters ? counter(s) : plainModification(s),
    s.perhaps(";"),
  ]);
  return cql`BEGIN ${kind} BATCH ${parts} APPLY BATCH`;
}

/** Conditions in a batch must all be on one table, so here are none. */
function plainModification(s: Session): Tokens {
  for (;;) {
    const tokens = modification(s);
    if (!flat(tokens).includes("IF")) return tokens;
  }
}
