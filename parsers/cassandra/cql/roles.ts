/**
 * Statements about roles and what they may do (Parser.g: `grant…`, `revoke…`,
 * `list…`, and `create…`, `alter…`, `drop…` of users, roles and identities).
 *
 * @module
 */
import { ifExists, ifNotExists } from "./clauses.ts";
import type { Cursor } from "./cursor.ts";
import { braces, qualifiedFunction, typesInParentheses } from "./expression.ts";
import { isName, K, T } from "./tokens.ts";

/** `CREATE USER` or `CREATE ROLE`, behind the first word. @returns the action; empty if it is neither, and nothing was read */
export function create(c: Cursor): string {
  if (c.kind === K.USER) {
    user(c, ifNotExists);
    return "create-user";
  }
  if (c.kind !== K.ROLE) return "";
  role(c, ifNotExists);
  return "create-role";
}

/** `ALTER USER` or `ALTER ROLE`; as {@linkcode create}. */
export function alter(c: Cursor): string {
  if (c.kind === K.USER) {
    user(c, ifExists);
    return "alter-user";
  }
  if (c.kind !== K.ROLE) return "";
  role(c, ifExists);
  return "alter-role";
}

/** `DROP USER`, `DROP ROLE` or `DROP IDENTITY`; as {@linkcode create}. */
export function drop(c: Cursor): string {
  switch (c.kind) {
    case K.USER:
      c.take();
      ifExists(c);
      roleName(c);
      return "drop-user";
    case K.ROLE:
      c.take();
      ifExists(c);
      roleName(c);
      return "drop-role";
    case K.IDENTITY:
      c.take();
      ifExists(c);
      identity(c);
      return "drop-identity";
  }
  return "";
}

/** `ADD IDENTITY … TO ROLE …`. */
export function addIdentity(c: Cursor): string {
  c.expect(K.ADD);
  c.expect(K.IDENTITY);
  ifNotExists(c);
  identity(c);
  c.expect(K.TO);
  c.expect(K.ROLE);
  roleName(c);
  return "add-identity";
}

/** `GRANT` of permissions or of a role. */
export function grant(c: Cursor): string {
  c.expect(K.GRANT);
  return given(c, K.TO) ? "grant-permission" : "grant-role";
}

/** `REVOKE` of permissions or of a role. */
export function revoke(c: Cursor): string {
  c.expect(K.REVOKE);
  return given(c, K.FROM) ? "revoke-permission" : "revoke-role";
}

/** `LIST` of roles, users, superusers or permissions. */
export function list(c: Cursor): string {
  c.expect(K.LIST);
  if (c.accept(K.USERS)) return "list-users";
  if (c.accept(K.SUPERUSERS)) return "list-superusers";
  if (c.accept(K.ROLES)) {
    ofRole(c);
    return "list-roles";
  }
  permissions(c);
  if (c.accept(K.ON)) resource(c);
  ofRole(c);
  return "list-permissions";
}

/** `[OF role] [NORECURSIVE]`. */
function ofRole(c: Cursor): void {
  if (c.accept(K.OF)) roleName(c);
  c.accept(K.NORECURSIVE);
}

/** What is granted or revoked, and to or from whom. @returns whether it is permissions */
function given(c: Cursor, preposition: number): boolean {
  // `ALL` and some permissions may be names of roles.
  const isRole = c.kind === T.STRING ||
    (isName(c.kind) && c.peek() === preposition);
  if (isRole) {
    roleName(c);
  } else {
    permissions(c);
    c.expect(K.ON);
    resource(c);
  }
  c.expect(preposition);
  roleName(c);
  return !isRole;
}

/** `permissionOrAll`. */
function permissions(c: Cursor): void {
  if (c.accept(K.ALL)) {
    c.accept(K.PERMISSIONS);
    return;
  }
  do {
    if (isPermission(c.kind)) c.take();
    else c.fail("a permission");
    c.accept(K.PERMISSION);
  } while (c.accept(T.COMMA));
}

function isPermission(kind: number): boolean {
  switch (kind) {
    case K.CREATE:
    case K.ALTER:
    case K.DROP:
    case K.SELECT:
    case K.MODIFY:
    case K.AUTHORIZE:
    case K.DESCRIBE:
    case K.EXECUTE:
    case K.UNMASK:
    case K.SELECT_MASKED:
      return true;
  }
  return false;
}

/** `resource`. Words that begin one may be names of tables, if nothing of it follows. */
function resource(c: Cursor): void {
  const next = c.peek();
  switch (c.kind) {
    case K.ALL:
      if (isCollection(next)) return all(c);
      break;
    case K.KEYSPACE:
    case K.SCHEMA:
      c.take();
      return c.keyspace();
    case K.COLUMNFAMILY:
      c.take();
      break;
    case K.ROLE:
      if (!isRoleName(next)) break;
      c.take();
      return roleName(c);
    case K.FUNCTION:
      if (!isName(next) && next !== K.TOKEN) break;
      c.take();
      c.home = qualifiedFunction(c, "function");
      return typesInParentheses(c);
    case K.MBEAN:
    case K.MBEANS:
      if (next !== T.STRING) break;
      c.take();
      c.touch("mbean", "", string(c));
      return;
  }
  c.qualified("table");
}

function isCollection(kind: number): boolean {
  return kind === K.KEYSPACES || kind === K.TABLES || kind === K.FUNCTIONS ||
    kind === K.ROLES || kind === K.MBEANS;
}

/** `ALL KEYSPACES`, `ALL TABLES IN KEYSPACE …` and their like. */
function all(c: Cursor): void {
  c.expect(K.ALL);
  const ofKeyspace = c.kind === K.TABLES || c.kind === K.FUNCTIONS;
  c.take();
  if (!ofKeyspace || !c.accept(K.IN)) return;
  if (!c.accept(K.SCHEMA)) c.expect(K.KEYSPACE);
  c.keyspace();
}

/** `USER …` of CREATE and ALTER. */
function user(c: Cursor, condition: (c: Cursor) => void): void {
  c.take();
  condition(c);
  roleName(c);
  if (c.accept(K.WITH)) password(c, false);
  if (!c.accept(K.SUPERUSER)) c.accept(K.NOSUPERUSER);
}

/** `ROLE …` of CREATE and ALTER. */
function role(c: Cursor, condition: (c: Cursor) => void): void {
  c.take();
  condition(c);
  roleName(c);
  if (!c.accept(K.WITH)) return;
  do option(c); while (c.accept(K.AND));
}

/** `roleOption`. */
function option(c: Cursor): void {
  if (c.accept(K.SUPERUSER) || c.accept(K.LOGIN)) {
    c.expect(T.EQUAL);
    c.expect(T.BOOLEAN);
  } else if (c.accept(K.OPTIONS)) {
    c.expect(T.EQUAL);
    braces(c);
  } else if (c.accept(K.ACCESS)) {
    access(c);
  } else {
    password(c, true);
  }
}

/** `PASSWORD = '…'`, without the sign for users. */
function password(c: Cursor, sign: boolean): void {
  if (c.accept(K.GENERATED)) return c.expect(K.PASSWORD);
  c.accept(K.HASHED);
  c.expect(K.PASSWORD);
  if (sign) c.expect(T.EQUAL);
  c.expect(T.STRING);
}

/** `ACCESS TO DATACENTERS { … }`, `ACCESS FROM ALL CIDRS`. */
function access(c: Cursor): void {
  const of = c.accept(K.FROM) ? K.CIDRS : K.DATACENTERS;
  if (of === K.DATACENTERS) c.expect(K.TO);
  if (c.accept(K.ALL)) return c.expect(of);
  c.expect(of);
  braces(c);
}

/** `roleName`, `username`: in quotes of either kind it keeps its case. */
function roleName(c: Cursor): void {
  c.touch("role", "", c.kind === T.STRING ? string(c) : c.name());
}

function isRoleName(kind: number): boolean {
  return isName(kind) || kind === T.STRING;
}

/** `identity`. */
function identity(c: Cursor): void {
  c.touch("identity", "", c.kind === T.STRING ? string(c) : c.name());
}

/** Takes a string, and says what is in it. */
function string(c: Cursor): string {
  const { text, start, end } = c;
  c.take();
  if (text.charAt(start) === "$") return text.slice(start + 2, end - 2);
  return text.slice(start + 1, end - 1).replaceAll("''", "'");
}
