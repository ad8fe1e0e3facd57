/**
 * Run where an image is made, when all is in the runtime's cache: its databases
 * can be read then where nothing can be written, as in a pod.
 *
 * @module
 */
import { seal } from "../proxy/sandbox/databases.ts";

if (import.meta.main) seal(Deno.args[0]!);
