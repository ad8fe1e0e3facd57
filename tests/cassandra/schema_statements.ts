/**
 * Statements about the schema, each list with what makes a thing, changes and drops it.
 *
 * @module
 */
import { TABLES, VIEW } from "./fixture.ts";
import type { Session } from "./session.ts";
import { cql, flat, raw, type Tokens } from "./spelling.ts";
import { constant } from "./values.ts";

/** One `DESCRIBE`. */
export function describes(s: Session): Tokens[] {
  const random = s.random;
  const keyspace = s.someKeyspace();
  const describe = random.pick(["DESCRIBE", "DESC"]);
  const what = random.pick<Tokens>([
    "CLUSTER",
    cql`SCHEMA`,
    cql`FULL SCHEMA`,
    "KEYSPACES",
    cql`KEYSPACE ${s.name(keyspace)}`,
    cql`ONLY KEYSPACE ${s.name(keyspace)}`,
    "TABLES",
    cql`${s.tableWord()} ${s.in(keyspace, random.pick(TABLES))}`,
    cql`MATERIALIZED VIEW ${s.in(keyspace, VIEW)}`,
    "TYPES",
    cql`TYPE ${s.in(keyspace, "address")}`,
    "FUNCTIONS",
    cql`FUNCTION ${s.in(keyspace, "plus")}`,
    "AGGREGATES",
    cql`AGGREGATE ${s.in(keyspace, "total")}`,
    s.name(keyspace),
    s.in(keyspace, random.pick(TABLES)),
    cql`INDEX ${s.in(keyspace, "orders_vec_idx")}`,
  ]);
  return [
    cql`${describe} ${what} ${s.one(4) ? cql`WITH INTERNALS` : []}`,
  ];
}

/** Of one of the tables. */
export function tables(s: Session): Tokens[] {
  const random = s.random;
  const table = s.in(s.someKeyspace(), s.fresh());
  const t = s.tableWord();
  const ifExists = s.perhaps(cql`IF EXISTS`);
  const make = random.pick<Tokens>([
    cql`( ${s.name("a")} int PRIMARY KEY , ${
      s.name("b")
    } frozen < list < address > > )`,
    cql`( ${s.name("a")} int , ${s.name("B")} ascii , ${
      s.name("b")
    } text STATIC MASKED WITH DEFAULT , PRIMARY KEY ( ( ${s.name("a")} ) , ${
      s.name("B")
    } ) ) WITH CLUSTERING ORDER BY ( ${s.name("B")} DESC ) AND comment = ${
      raw("'from secret.t'")
    } AND gc_grace_seconds = ${raw("60")}`,
    cql`( ${s.name("a")} int , ${s.name("b")} text MASKED WITH mask_inner ( ${
      raw("1")
    } , NULL ) , PRIMARY KEY ( ( ${s.name("a")} , ${
      s.name("b")
    } ) ) ) WITH compaction = { ${raw("'class'")} : ${
      raw("'LeveledCompactionStrategy'")
    } }`,
    cql`( ${s.name("a")} varint , ${
      s.name("b")
    } map < int , frozen < set < inet > > > , ${
      s.name("c")
    } tuple < int , text > , ${s.name("d")} vector < float , ${
      raw("3")
    } > , PRIMARY KEY ( ${s.name("a")} ) )`,
  ]);
  const changes: Tokens[] = [
    cql`ALTER ${t} ${ifExists} ${table} ADD ${s.name("new")} int`,
    cql`ALTER ${t} ${table} ADD IF NOT EXISTS ( ${s.name("New")} int , ${
      s.name("x")
    } frozen < address > )`,
    cql`ALTER ${t} ${table} ADD ${s.name("y")} int`,
    cql`ALTER ${t} ${table} DROP ${s.name("y")} ${
      s.perhaps(cql`USING TIMESTAMP ${raw("5")}`)
    }`,
    cql`ALTER ${t} ${table} RENAME ${s.name("a")} TO ${s.name("renamed")}`,
    cql`ALTER ${t} ${table} ALTER IF EXISTS ${s.name("b")} MASKED WITH DEFAULT`,
    cql`ALTER ${t} ${table} ALTER ${s.name("b")} DROP MASKED`,
    cql`ALTER ${t} ${table} WITH comment = ${
      constant(random, "text")
    } AND caching = { ${raw("'keys'")} : ${raw("'NONE'")} }`,
    cql`ALTER ${t} ${table} DROP COMPACT STORAGE`, // refused
  ];
  return [
    cql`CREATE ${t} ${s.perhaps(cql`IF NOT EXISTS`)} ${table} ${make}`,
    ...changes.filter(() => s.one(3)),
    cql`DROP ${t} ${ifExists} ${table}`,
  ];
}

/** Of one of the indexes. */
export function indexes(s: Session): Tokens[] {
  const random = s.random;
  const keyspace = s.someKeyspace();
  const index = s.fresh();
  const table = s.in(
    keyspace,
    random.pick(TABLES.filter((table) => table !== "orders")),
  );
  const ifNotExists = s.perhaps(cql`IF NOT EXISTS`);
  const make = random.pick<Tokens>([
    cql`CREATE INDEX ${ifNotExists} ${s.name(index)} ON ${table} ( ${
      s.name("a")
    } )`,
    cql`CREATE INDEX ${s.name(index)} ON ${table} ( KEYS ( ${
      s.name("counts")
    } ) )`,
    cql`CREATE INDEX ${s.name(index)} ON ${table} ( ENTRIES ( ${
      s.name("counts")
    } ) )`,
    cql`CREATE INDEX ${s.name(index)} ON ${table} ( FULL ( ${
      s.name("place")
    } ) )`,
    cql`CREATE CUSTOM INDEX ${ifNotExists} ${s.name(index)} ON ${table} ( ${
      s.name("Big")
    } ) USING ${raw("'StorageAttachedIndex'")}`,
    cql`CREATE INDEX ${s.name(index)} ON ${table} ( ${s.name("text")} ) USING ${
      raw("'sai'")
    } WITH OPTIONS = { ${raw("'case_sensitive'")} : ${raw("'false'")} }`,
  ]);
  return [
    make,
    cql`DROP INDEX ${s.perhaps(cql`IF EXISTS`)} ${s.in(keyspace, index)}`,
  ];
}

/** Of one of the views. */
export function views(s: Session): Tokens[] {
  const keyspace = s.someKeyspace();
  const view = s.in(keyspace, s.fresh());
  const k = s.name("k");
  const c = s.name("C");
  const table = s.in(keyspace, s.random.pick(TABLES));
  const selected = s.random.pick<Tokens>([
    "*",
    cql`${k} , ${c} , ${s.name("a")}`,
  ]);
  return [
    cql`CREATE MATERIALIZED VIEW ${
      s.perhaps(cql`IF NOT EXISTS`)
    } ${view} AS SELECT ${selected} FROM ${table} WHERE ${k} IS NOT NULL AND ${c} IS NOT NULL PRIMARY KEY ( ${
      s.random.pick<Tokens>([cql`( ${c} )`, c])
    } , ${k} ) ${
      s.perhaps(
        cql`WITH CLUSTERING ORDER BY ( ${k} DESC ) AND comment = ${raw("'x'")}`,
      )
    }`,
    ...(s.one(2)
      ? [
        cql`ALTER MATERIALIZED VIEW ${
          s.perhaps(cql`IF EXISTS`)
        } ${view} WITH comment = ${raw("'y'")}`,
      ]
      : []),
    cql`DROP MATERIALIZED VIEW ${s.perhaps(cql`IF EXISTS`)} ${view}`,
  ];
}

/** Refused, since nobody has the class; but not by the parser. */
export function triggers(s: Session): Tokens[] {
  const trigger = s.name(s.fresh());
  const table = s.table();
  return [
    cql`CREATE TRIGGER ${
      s.perhaps(cql`IF NOT EXISTS`)
    } ${trigger} ON ${table} USING ${raw("'org.example.Trigger'")}`,
    cql`DROP TRIGGER ${s.perhaps(cql`IF EXISTS`)} ${trigger} ON ${table}`,
  ];
}

/** Of one of the types. */
export function types(s: Session): Tokens[] {
  const type = s.in(s.someKeyspace(), s.fresh());
  const street = s.name("street");
  return [
    cql`CREATE TYPE ${
      s.perhaps(cql`IF NOT EXISTS`)
    } ${type} ( ${street} text , ${
      s.name("Number")
    } frozen < map < text , int > > )`,
    ...[
      cql`ALTER TYPE ${type} ADD ${s.name("city")} text`,
      cql`ALTER TYPE ${s.perhaps(cql`IF EXISTS`)} ${type} RENAME ${street} TO ${
        s.name("Street")
      }`,
    ].filter(() => s.one(2)),
    cql`DROP TYPE ${s.perhaps(cql`IF EXISTS`)} ${type}`,
  ];
}

/** Of one of the functions. */
export function functions(s: Session): Tokens[] {
  const keyspace = s.someKeyspace();
  const made = s.fresh();
  // `Type_1` without quotes is one word, `type_1` for the server.
  const f = s.in(keyspace, made);
  const aggregate = s.in(keyspace, s.fresh());
  const orReplace = s.perhaps(cql`OR REPLACE`);
  const onNull = s.random.pick([cql`CALLED`, cql`RETURNS NULL`]);
  const body = s.random.pick([
    "'return a;'",
    "$$ /* from secret.t */ return a; $$",
  ]);
  return [
    cql`CREATE ${orReplace} FUNCTION ${f} ( ${raw("a")} int , ${
      s.name("b")
    } list < text > ) ${onNull} ON NULL INPUT RETURNS int LANGUAGE java AS ${
      raw(body)
    }`,
    cql`CREATE ${orReplace} AGGREGATE ${
      s.perhaps(flat(orReplace).length > 0 ? [] : cql`IF NOT EXISTS`)
    } ${aggregate} ( int ) SFUNC plus STYPE int ${
      s.perhaps(cql`INITCOND ${raw("0")}`)
    }`,
    cql`DROP AGGREGATE ${s.perhaps(cql`IF EXISTS`)} ${aggregate} ${
      s.perhaps(cql`( int )`)
    }`,
    cql`DROP FUNCTION ${s.perhaps(cql`IF EXISTS`)} ${f} ${
      s.perhaps(cql`( int , list < text > )`)
    }`,
  ];
}

/** Of one of the keyspaces. */
export function keyspaces(s: Session): Tokens[] {
  const keyspace = s.name(s.fresh());
  const replication = cql`replication = { ${raw("'class'")} : ${
    raw("'SimpleStrategy'")
  } , ${raw("'replication_factor'")} : ${raw("1")} }`;
  const word = s.one(6) ? "SCHEMA" : "KEYSPACE"; // refused, if the former
  return [
    cql`CREATE ${word} ${
      s.perhaps(cql`IF NOT EXISTS`)
    } ${keyspace} WITH ${replication} ${
      s.perhaps(cql`AND durable_writes = ${raw("false")}`)
    }`,
    ...(s.one(2)
      ? [
        cql`ALTER KEYSPACE ${
          s.perhaps(cql`IF EXISTS`)
        } ${keyspace} WITH ${replication}`,
      ]
      : []),
    cql`DROP KEYSPACE ${s.perhaps(cql`IF EXISTS`)} ${keyspace}`,
  ];
}
