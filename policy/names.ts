/**
 * Reads `matchName` and `matchPattern`, of `toFQDNs` and of `dns` rules alike
 * (policy semantics, section 4).
 *
 * @module
 */
import type { Cursor } from "./cursor.ts";
import {
  exactly,
  matching,
  type NameFault,
  nameFault,
  type NameTest,
  patternFault,
} from "./dns_name.ts";
import { quote } from "./problem.ts";

/** The tests of one item; `both`: whether it may have two, of which either may fit. */
export function readNames(
  item: Cursor,
  both: "either" | "refused",
): NameTest[] {
  const name = item.get("matchName");
  const pattern = item.get("matchPattern");
  const [nameText, patternText] = [name.text(), pattern.text()];
  if (
    nameText !== undefined && patternText !== undefined && both === "refused"
  ) {
    pattern.errorAtKey(
      "fqdn.both",
      "the item has both matchName and matchPattern",
      "give each an item of its own",
    );
  }
  if (!name.present && !pattern.present) {
    item.error(
      "fqdn.none",
      "the item names nothing",
      'add matchName, or matchPattern: "*" for any name',
    );
  }
  return [
    ...read(name, nameText, nameFault, exactly, "fqdn.name"),
    ...read(pattern, patternText, patternFault, matching, "fqdn.pattern"),
  ];
}

function read(
  cursor: Cursor,
  text: string | undefined,
  faultOf: (text: string) => NameFault | undefined,
  testOf: (text: string) => NameTest,
  code: string,
): NameTest[] {
  if (text === undefined) return [];
  const fault = faultOf(text);
  if (fault === undefined) return [testOf(text)];
  const isPattern = code === "fqdn.pattern";
  const kind = isPattern ? "pattern" : "name";
  if (fault === "length") {
    cursor.error(
      "fqdn.length",
      `the ${kind} ${quote(text)} has more than 255 characters`,
      `write the ${kind} of a domain that can exist`,
    );
  } else if (!isPattern && text.includes("*")) {
    cursor.error(
      code,
      `${quote(text)} is a pattern, not a name`,
      "write it as matchPattern",
    );
  } else {
    cursor.error(
      code,
      fault === "empty"
        ? `the ${kind} is empty text`
        : `${quote(text)} is not a ${kind} of a domain`,
      `write labels of letters, digits, '-' and '_'${
        isPattern ? " (and '*')" : ""
      } with dots between them`,
    );
  }
  return [];
}
