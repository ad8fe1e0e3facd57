/**
 * Apache Cassandra: the native protocol v3, v4 and v5
 * (doc/native_protocol_v3.spec, _v4, _v5), and CQL as Cassandra 5.0 reads it
 * (cql/mod.ts).
 *
 * ```text
 * frame   = version flags stream(2) opcode length(4) body
 * segment = header crc24 frame* crc32             ; v5, behind STARTUP
 * QUERY   = text consistency flags [values] …     ; PREPARE, EXECUTE, BATCH likewise
 * ERROR   = code message …                        ; 0x2100: denied
 * ```
 *
 * ```yaml
 * rules:
 *   l7proto: cassandra
 *   l7:
 *   - query_action: select                        # any table of these keyspaces
 *     query_table: "^system(_schema|_virtual_schema)?\\."
 *   - query_action: insert                        # exactly this table
 *     query_table: "^attendance\\.daily_records$"
 * ```
 *
 * Each statement of a request is judged by itself: of a text, of a batch, and of
 * an id that was prepared before, by whichever connection of the listener.
 *
 * @module
 */
import { defineParser } from "parley/proxylib";
import { CassandraParser } from "./parser.ts";
import { type Request, requestOf } from "./request.ts";
import {
  index,
  lintRule,
  lintRules,
  matches,
  type Rule,
  ruleSchema,
} from "./rule.ts";
import { isSnapshot } from "./state.ts";

export default defineParser<Request, Rule>({
  description:
    "Cassandra: native protocol v3 to v5; rules query_action, query_table",
  rule: ruleSchema,
  lint: lintRule,
  lintRules,
  matches,
  index,
  fields: ({ fields }) => fields,
  fromFields: requestOf,
  create: (connection) => new CassandraParser(connection),
  restore(connection, state) {
    if (!isSnapshot(state)) {
      throw new TypeError("the version before remembers other things");
    }
    return new CassandraParser(connection, state);
  },
});
