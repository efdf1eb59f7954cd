/** What a repair changed, with values taken out. Two changes with equal `key` are the same lesson. */
export interface Change {
  readonly kind:
    | "quote"
    | "unquote"
    | "format"
    | "rename"
    | "expression"
    | "quote-name"
    | "flag"
    | "key-rename"
    | "key-add"
    | "key-remove"
    | "type";
  readonly key: readonly string[];
  /** Column, argument or name that the rule is about; "" when there is none. */
  readonly subject: string;
  /** The failing and the working way, as written in this example; "" for nothing. */
  readonly before: string;
  readonly after: string;
  /** What a text argument holds; absent for plain arguments. */
  readonly language?: "sql" | "command";
  /** The reverse change, to notice traces that contradict each other. */
  readonly reverseKey?: readonly string[];
}

/** A difference that is no rule, with the reason. */
export interface NoChange {
  readonly reason: string;
}

export type Finding = Change | NoChange;

export function isChange(finding: Finding): finding is Change {
  return "kind" in finding;
}

export const ONLY_VALUE: NoChange = { reason: "only the value changed" };
export const OTHER_QUESTION: NoChange = { reason: "the repair asked something else" };
export const TOO_DIFFERENT: NoChange = { reason: "the call was rewritten, no single change explains the repair" };
