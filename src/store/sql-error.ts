import { isLearnError, LearnError, messageOf } from "../base/error.ts";

/** Primary result codes of SQLite that decide anything here. */
const PRIMARY: Readonly<Record<number, string>> = {
  5: "busy",
  6: "busy",
  8: "readonly",
  10: "io",
  11: "corrupt",
  13: "full",
  14: "cannot-open",
  18: "too-large",
  19: "constraint",
  26: "corrupt",
};

export type SqlFault = "busy" | "readonly" | "io" | "corrupt" | "full" | "cannot-open" | "too-large" | "constraint" | "other";

/** What kind of fault a binding reported. Extended codes are folded: libsql calls them UNKNOWN_SQLITE_ERROR_1544 and the like. */
export function faultOf(caught: unknown): SqlFault {
  const { rawCode, message } = caught as { rawCode?: unknown; message?: unknown };
  if (typeof rawCode === "number") return (PRIMARY[rawCode & 0xff] as SqlFault | undefined) ?? "other";
  // A failed open has no code, only a number at the end of its text.
  const trailing = /ConnectionFailed\(.*: (\d+)"?\)$/.exec(String(message));
  return trailing?.[1] === undefined ? "other" : ((PRIMARY[Number(trailing[1]) & 0xff] as SqlFault | undefined) ?? "other");
}

/** A fault of the binding as a LearnError that names the store. A LearnError passes through. */
export function sqlError(caught: unknown, store: string): LearnError {
  if (isLearnError(caught)) return caught;
  const cause = caught;
  const detail = messageOf(caught);
  switch (faultOf(caught)) {
    case "busy":
      return new LearnError("unavailable", `store ${store} is locked by another program`, {
        cause,
        hint: "close the program that holds the file open, then try again",
      });
    case "readonly":
      return new LearnError("unavailable", `store ${store} is read-only for this user`, {
        cause,
        hint: "make the file and its folder writable, or name another store",
      });
    case "io":
      return new LearnError("unavailable", `store ${store} could not be read or written: ${detail}`, {
        cause,
        hint: "check the disk that holds it",
      });
    case "full":
      return new LearnError("unavailable", `the disk of store ${store} is full`, {
        cause,
        hint: "free some space; nothing that was acknowledged is lost",
      });
    case "corrupt":
      return new LearnError("invalid", `store ${store} is damaged or not a database: ${detail}`, {
        cause,
        hint: `run: agentlearn store recover --store file:${store}`,
      });
    case "cannot-open":
      return new LearnError("invalid", `store ${store} cannot be opened`, {
        cause,
        hint: "check that its folder exists and that this user may write to it",
      });
    case "too-large":
      return new LearnError("too-large", `a value is too large for store ${store}`, { cause });
    case "constraint":
      return new LearnError("conflict", `store ${store} refused a write: ${detail}`, { cause });
    default:
      return new LearnError("internal", `store ${store} failed: ${detail}`, { cause });
  }
}
