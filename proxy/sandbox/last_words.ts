/**
 * How a sandboxed program ends. What that takes is taken before the sandbox
 * takes it away; the runtime's own report would need more.
 *
 * @module
 */
import { thrownStack, thrownText } from "../thrown.ts";

/** The exit code of a defect of ours (sysexits.h, EX_SOFTWARE). */
const DEFECT = 70;

const { exit, stderr } = Deno;
const encoder = new TextEncoder();

/** Runs a program to its end, and the process with it; what it throws are its last words. */
export async function runToEnd(program: () => Promise<void>): Promise<never> {
  try {
    await program();
  } catch (error) {
    stderr.writeSync(encoder.encode(thrownStack(error) ?? thrownText(error)));
    exit(DEFECT);
  }
  return exit(0);
}
