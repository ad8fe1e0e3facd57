/**
 * The self-check alone, on the rules that are there: `redirect apply` would put
 * right what a test has broken.
 *
 * @module
 */
import { readRedirect } from "../../cli/redirect_options.ts";
import { openEyes, selfCheck } from "../../proxy/redirect/self_check.ts";

const [options] = Deno.args;
const eyes = openEyes(readRedirect(JSON.parse(options!)));
console.log(JSON.stringify(await selfCheck(eyes)));
