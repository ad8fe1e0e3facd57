/**
 * The runtime's databases of what it has learnt of modules, for whoever may not
 * write to them.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

/** The runtime's names for them end so. */
const DATABASE = /_cache_v\d+$/;

/** The files of one of them, by the ends of their names: its log, the log's index, itself. */
export const FILES = ["-wal", "-shm", ""];

/**
 * Makes all databases of a folder ones that need no writer. They are in the mode
 * of a write-ahead log, as the runtime wants them; whoever may not write then
 * needs the log and its index to be there, if only empty (sqlite.org/wal.html,
 * "Read-Only Databases"), and would write down what the tables are like if nobody
 * had. Answers their names.
 */
export function seal(folder: string): string[] {
  const names = [...Deno.readDirSync(folder)]
    .map(({ name }) => name)
    .filter((name) => DATABASE.test(name));
  for (const name of names) {
    const database = new DatabaseSync(`${folder}/${name}`);
    database.exec("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    for (const end of FILES) {
      if (end !== "") Deno.writeTextFileSync(`${folder}/${name}${end}`, "");
    }
  }
  return names;
}
