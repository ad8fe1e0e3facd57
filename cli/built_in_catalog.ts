/**
 * What the built-in parsers say of L7 rules, where no other parser is: they are
 * part of the program, so nothing is loaded from folders.
 *
 * @module
 */
import type { ParserDefinition } from "parley/proxylib";
import block from "../parsers/block.ts";
import cassandra from "../parsers/cassandra/mod.ts";
import header from "../parsers/header.ts";
import line from "../parsers/line.ts";
import memcache from "../parsers/memcache/mod.ts";
import passer from "../parsers/passer.ts";
import r2d2 from "../parsers/r2d2.ts";
import type { L7Catalog } from "../policy/mod.ts";
import { createCatalog } from "../proxy/registry/catalog.ts";

/** By name, as their files are called. */
const PARSERS: ReadonlyMap<string, ParserDefinition> = new Map(
  Object.entries({ block, cassandra, header, line, memcache, passer, r2d2 }),
);

export function builtInCatalog(): L7Catalog {
  return createCatalog({
    names: () => [...PARSERS.keys()],
    get(name) {
      const definition = PARSERS.get(name);
      return definition && { definition };
    },
  });
}
