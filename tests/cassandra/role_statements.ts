/**
 * Statements about roles and what they may do.
 *
 * @module
 */
import { ROLES, TABLES } from "./fixture.ts";
import type { Session } from "./session.ts";
import { cql, raw, type Tokens } from "./spelling.ts";

function spelledRole(s: Session, role: string): Tokens {
  return s.one(3) ? raw(`'${role}'`) : s.name(role);
}

/** Of one role or user. */
export function roles(s: Session): Tokens[] {
  const random = s.random;
  const role = spelledRole(s, s.fresh());
  const ifNotExists = s.perhaps(cql`IF NOT EXISTS`);
  const ifExists = s.perhaps(cql`IF EXISTS`);
  if (s.one(3)) {
    const number = s.number();
    const user = raw(`user_${number}`);
    const rank = random.pick<Tokens>([[], "SUPERUSER", "NOSUPERUSER"]);
    return [
      cql`CREATE USER ${ifNotExists} ${user} ${
        s.perhaps(cql`WITH PASSWORD ${raw("'secret'")}`)
      } ${rank}`,
      cql`ALTER USER ${ifExists} ${user} WITH PASSWORD ${
        raw("'other'")
      } ${rank}`,
      cql`ADD IDENTITY ${ifNotExists} ${
        raw(`'spiffe://${number + 1}'`)
      } TO ROLE ${user}`,
      cql`DROP IDENTITY ${ifExists} ${raw(`'spiffe://${number + 1}'`)}`,
      cql`DROP USER ${ifExists} ${user}`,
    ];
  }
  const options = random.pick<Tokens>([
    [],
    cql`WITH PASSWORD = ${raw("'secret'")} AND LOGIN = TRUE`,
    cql`WITH SUPERUSER = false AND LOGIN = true`,
    cql`WITH ACCESS TO ALL DATACENTERS`,
    cql`WITH ACCESS TO DATACENTERS { ${raw("'datacenter1'")} }`,
    cql`WITH ACCESS FROM ALL CIDRS AND LOGIN = false`,
    cql`WITH OPTIONS = { ${raw("'a'")} : ${raw("'b'")} }`,
  ]);
  return [
    cql`CREATE ROLE ${ifNotExists} ${role} ${options}`,
    cql`GRANT ${spelledRole(s, random.pick(ROLES))} TO ${role}`,
    cql`LIST ROLES OF ${role} ${s.perhaps("NORECURSIVE")}`,
    cql`ALTER ROLE ${ifExists} ${role} ${options}`,
    cql`REVOKE ${spelledRole(s, random.pick(ROLES))} FROM ${role}`,
    cql`DROP ROLE ${ifExists} ${role}`,
  ];
}

function permitted(s: Session): { permissions: Tokens; resource: Tokens } {
  const random = s.random;
  const keyspace = s.someKeyspace();
  const word = s.perhaps("PERMISSION");
  const all = cql`ALL ${s.perhaps("PERMISSIONS")}`;
  return random.pick<{ permissions: Tokens; resource: Tokens }>([
    { permissions: all, resource: s.in(keyspace, random.pick(TABLES)) },
    {
      permissions: cql`SELECT ${word}`,
      resource: cql`${s.perhaps(s.tableWord())} ${
        s.in(keyspace, random.pick(TABLES))
      }`,
    },
    {
      permissions: cql`SELECT ${word} , MODIFY`,
      resource: cql`KEYSPACE ${s.name(keyspace)}`,
    },
    { permissions: cql`UNMASK ${word}`, resource: cql`ALL KEYSPACES` },
    {
      permissions: cql`SELECT_MASKED`,
      resource: cql`ALL TABLES IN KEYSPACE ${s.name(keyspace)}`,
    },
    { permissions: all, resource: cql`ALL ROLES` },
    {
      permissions: cql`ALTER ${word}`,
      resource: cql`ROLE ${spelledRole(s, random.pick(ROLES))}`,
    },
    {
      permissions: cql`EXECUTE ${word}`,
      resource: cql`FUNCTION ${s.in(keyspace, "plus")} ( int , int )`,
    },
    {
      permissions: cql`EXECUTE`,
      resource: cql`ALL FUNCTIONS IN KEYSPACE ${s.name(keyspace)}`,
    },
    { permissions: all, resource: cql`ALL FUNCTIONS` },
    { permissions: cql`DESCRIBE`, resource: cql`ALL MBEANS` },
    {
      permissions: cql`SELECT`,
      resource: cql`MBEAN ${raw("'org.apache:type=X'")}`,
    },
    {
      permissions: cql`MODIFY`,
      resource: cql`MBEANS ${raw("'org.apache:*'")}`,
    },
  ]);
}

/** A grant of permissions, and its end. */
export function grants(s: Session): Tokens[] {
  const { permissions, resource } = permitted(s);
  const role = spelledRole(s, s.random.pick(ROLES));
  return [
    cql`GRANT ${permissions} ON ${resource} TO ${role}`,
    cql`REVOKE ${permissions} ON ${resource} FROM ${role}`,
  ];
}

/** One `LIST`. */
export function lists(s: Session): Tokens[] {
  const { permissions, resource } = permitted(s);
  const role = spelledRole(s, s.random.pick(ROLES));
  return [s.random.pick<Tokens>([
    cql`LIST ROLES`,
    cql`LIST ROLES NORECURSIVE`,
    cql`LIST USERS`,
    cql`LIST SUPERUSERS`, // of later versions
    cql`LIST ALL ${s.perhaps("PERMISSIONS")} ${s.perhaps(cql`OF ${role}`)}`,
    cql`LIST ${permissions} ON ${resource} ${s.perhaps(cql`OF ${role}`)} ${
      s.perhaps("NORECURSIVE")
    }`,
  ])];
}
