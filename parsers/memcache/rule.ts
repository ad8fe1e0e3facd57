/**
 * Rules: `command`, `keyExact`, `keyPrefix`, `keyRegex` (Cilium's vocabulary).
 *
 * @module
 */
import {
  bytes,
  latin1,
  type Regex,
  regexKey,
  type RuleIndex,
  type RuleIssue,
  z,
} from "parley/proxylib";
import { RULE_COMMANDS } from "./commands.ts";
import type { Request } from "./request.ts";

/** A compiled rule. Key tests compare bytes, as `latin1` texts; all that are present must hold. */
export interface Rule {
  /** Absent: every command. */
  readonly commands?: ReadonlySet<string>;
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: Regex;
}

/** One `l7` map. */
export const ruleSchema: z.ZodType<Rule, unknown> = z.strictObject({
  command: z.string().default("").refine(
    (name) => name === "" || RULE_COMMANDS.has(name),
    {
      error: (issue) => `${JSON.stringify(issue.input)} is no memcache command`,
      params: {
        code: "memcache.command",
        mend: `use one of ${[...RULE_COMMANDS.keys()].join(", ")}`,
        options: [...RULE_COMMANDS.keys()],
      },
    },
  ),
  keyExact: z.string().default(""),
  keyPrefix: z.string().default(""),
  keyRegex: regexKey("memcache.regex").optional(),
}).superRefine(({ command, keyExact, keyPrefix, keyRegex }, context) => {
  const tested = keyExact || keyPrefix || keyRegex;
  if (command !== "" || !tested) return;
  context.addIssue({
    code: "custom",
    path: ["command"],
    message: "a key is tested but no command is named",
    params: {
      code: "memcache.no-command",
      mend:
        "name the command, or a group such as storage, whose keys are meant",
    },
  });
}).transform(({ command, keyExact, keyPrefix, keyRegex }): Rule => {
  const commands = RULE_COMMANDS.get(command);
  return {
    ...(commands ? { commands } : {}),
    ...(keyExact ? { exact: latin1(bytes(keyExact)) } : {}),
    ...(keyPrefix ? { prefix: latin1(bytes(keyPrefix)) } : {}),
    ...(keyRegex ? { regex: keyRegex } : {}),
  };
});

/** Empty values are legal and allow more than was probably meant. */
export function lintRule(
  rule: Readonly<Record<string, string>>,
): readonly RuleIssue[] {
  if (rule["command"] === "") {
    return [{
      path: ["command"],
      code: "memcache.command",
      message: 'command: "" allows every request, of every command and key',
      mend: "write {} if that is meant, else name the command",
    }];
  }
  return KEY_TESTS.filter((key) => rule[key] === "").map((key) => ({
    path: [key],
    code: "memcache.key",
    message: `${key}: "" tests nothing: every key is allowed`,
    mend: `delete ${key} if that is meant, else say which keys`,
  }));
}

const KEY_TESTS = ["keyExact", "keyPrefix", "keyRegex"];

/** Whether a rule covers a request: what it asks, and each of its keys. */
export function matches(rule: Rule, request: Request): boolean {
  if (!rule.commands) return true;
  if (request.ambiguous || request.ask === undefined) return false;
  if (!rule.commands.has(request.ask)) return false;
  if (!testsKeys(rule) || !request.keyed) return true;
  return request.keys.length > 0 &&
    request.keys.every((key) => coversKey(rule, key));
}

/** Rules are found by their commands, and by the first key: a rule must cover it as it must all others. */
export const index: RuleIndex<Request, Rule> = {
  file({ commands, exact, prefix, regex }) {
    const start = prefix ?? regex?.prefix;
    return {
      ...(commands ? { groups: [...commands] } : {}),
      ...(exact === undefined ? {} : { exact }),
      ...(start === undefined ? {} : { prefix: start }),
    };
  },
  group: ({ ask = "" }) => ask,
  text: ({ keyed, keys }) => keyed ? keys[0] : undefined,
  alike({ ask = "", ambiguous, keyed, keys }) {
    return `${ambiguous} ${keyed} ${ask} ${keys.length} ${keys.join("\n")}`;
  },
};

function testsKeys({ exact, prefix, regex }: Rule): boolean {
  return exact !== undefined || prefix !== undefined || regex !== undefined;
}

function coversKey({ exact, prefix, regex }: Rule, key: string): boolean {
  return (exact === undefined || key === exact) &&
    (prefix === undefined || key.startsWith(prefix)) &&
    (regex === undefined || regex.test(key));
}
