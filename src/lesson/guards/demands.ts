export interface Demand {
  readonly kind: "override" | "exfiltration" | "destructive" | "weakened check";
  /** As it stands in the text, folded. */
  readonly part: string;
}

// What an item may ask an agent to do, and should not without somebody having looked at it. None of this stops text that was written to pass it; the
// form of lessons, approval and evidence do. Quantifiers are bounded: linear on hostile text.
const DEMANDS: Readonly<Record<Demand["kind"], readonly RegExp[]>> = {
  override: [
    /\b(?:ignor|disregard|forget|overrid|bypass)\w{0,4}\b[^.]{0,40}\b(?:previous|prior|above|earlier|all|any|your|system|safety|developer|other)\b[^.]{0,30}\b(?:instructions?|rules?|prompts?|guidelines?|guardrails?|polic(?:y|ies)|restrictions?)\b/i,
    /\byou are now\b|\bact(?:ing)? as (?:an? |the )?(?:admin\w*|root|developer|unrestricted|superuser)\b|\bpretend(?:ing)? (?:to be|you)\b|\b(?:developer|god) mode\b|\bjailbreak\b/i,
    /\b(?:this rule|these instructions?) (?:takes? precedence|overrides?|outranks?)\b/i,
  ],
  exfiltration: [
    /\b(?:send|post|upload|forward|e-?mail|transmit|leak|reveal|print|show|paste|disclos|dump|exfiltrat|shar)\w{0,4}\b[^.]{0,60}\b(?:system prompt|api[ -]?keys?|passwords?|secrets?|credentials?|(?:access|auth|bearer|api|session) tokens?|private keys?|cookies?|environment variables?|env vars|ssh keys?|card numbers?)\b(?![^.]{0,30}\bheader\b)/i,
    /\b(?:send|forward|bcc|cc|copy|upload|post)\w{0,3}\b[^.]{0,40}\b(?:conversations?|chat history|transcripts?|(?:customer|user|personal|all) (?:data|records)|database(?: dump)?)\b[^.]{0,40}\bto\b/i,
  ],
  destructive: [
    /\brm\s+-\w{0,4}[rf]\w{0,4}\b|\bmkfs\b|\bdd\s+if=|\bgit\s+push\s+(?:-f\b|--force)|\bgit\s+reset\s+--hard|\bchmod\s+(?:-R\s+)?777|\b(?:curl|wget)\b[^|]{0,80}\|\s*(?:ba|z)?sh\b/i,
    /\b(?:drop|truncat)\w{0,4}\s+(?:the\s+|all\s+|every\s+)?(?:\w+\s+)?(?:tables?|databases?|schemas?)\b|\bdelete\s+from\s+\w+\s*(?:;|$)/i,
    /\b(?:delet|wip|eras|purg|destroy|remov)\w{0,3}\s+(?:all|every|any|the whole|the entire)\s+(?:of\s+)?(?:the\s+)?(?:\w+\s+)?(?:rows|records?|files?|data|users?|accounts?|tables?|databases?|backups?|logs?|orders?|customers?|messages?|e-?mails?|disks?)\b/i,
    /\b(?:wip|eras|purg|destroy|format)\w{0,3}\s+(?:the\s+)?(?:\w+\s+)?(?:database|disk|drive|backups?|logs?)\b/i,
  ],
  "weakened check": [
    /\b(?:skip|bypass|disabl|turn(?:ing)? off|switch(?:ing)? off|omit)\w{0,4}\b[^.]{0,30}\b(?:verification|validation|approvals?|confirmation|authentication|authori[sz]ation|certificates?|tls|ssl|security|safety|permissions?|moderation|checks?)\b/i,
    /\bwithout\s+(?:any\s+|further\s+|first\s+)?(?:asking|confirm\w+|approval|verif\w+|permission|telling|informing|checking)\b/i,
    /\btreat\w{0,3}\b[^.]{0,40}\bas (?:already )?(?:approved|verified|trusted|authori[sz]ed|confirmed)\b/i,
    /\bverify\s*=\s*false\b|--no-verify\b|--insecure\b|\bNODE_TLS_REJECT_UNAUTHORIZED\b/i,
    /\b(?:do not|don['’]t|never)\s+(?:tell|inform|mention)\b[^.]{0,30}\b(?:about (?:this|it|these)|this rule|these instructions|what you (?:did|do))\b/i,
  ],
};
/** What a text asks for. A rule that forbids or guards against such a thing is no demand for it. */
export function demandsOf(text: string): readonly Demand[] {
  // Compatibility forms and hidden characters are folded away, so that a demand is seen that was written around the patterns.
  const folded = text
    .slice(0, 4_000)
    .normalize("NFKC")
    .replace(/\p{Cf}|\u034f|[\ufe00-\ufe0f]/gu, "");
  return folded
    .split(/[.!?;](?=\s|$)|\n|,\s+(?:just|simply|instead|and|then|but)\s+|\s+(?:but|and then|then)\s+|\s[—–]\s/i)
    .flatMap((sentence) =>
      Object.entries(DEMANDS).flatMap(([kind, patterns]) =>
        patterns.flatMap((pattern) => {
          const found = pattern.exec(sentence);
          if (found === null || isGuarded(sentence, found.index, found[0].length)) return [];
          return [{ kind: kind as Demand["kind"], part: found[0] }];
        }),
      ),
    );
}

const NEVER_MIND = /\b(?:do not|don['’]t|never|not)\s+(?:hesitate|forget|fail|mind|worry|bother|be afraid|ask|wait|stop|think)\b/gi;
const FORBIDS =
  /\b(?:never|not|no|cannot|avoid|refuse|reject|forbid|block|prevent|prohibit|decline|stop|instead of|rather than|against|beware|warn|detect|flag|report|protect|without)\b|n['’]t\b/i;
const FORBIDDEN =
  /\b(?:must|should|may|can|is|are|do|does|shall|will)\s*(?:never|not)\b|\bcannot\b|\b(?:forbidden|prohibited|dangerous|not allowed|unsafe|an attack|attacks?|refused?|rejected?|blocked)\b|\b(?:needs?|requires?|only)\b[^.]{0,40}\b(?:approv|confirm|permission|consent|review)/i;
const ASKS_FIRST = /\b(?:ask|confirm\w*|approv\w*|permission|consent|back ?up|check with)\b[^.]{0,60}\b(?:before|prior to)\b|\bonly\b/i;
const IN_CONDITION =
  /^\s*(?:if|when|whenever|where|should|text|any|tool|messages?|requests?|instructions?|users? who|attempts?|an? (?:user|request|message|text|tool))\b/i;

/** Whether the words around a demand turn it into a warning: it is forbidden, guarded by somebody's yes, or what a condition speaks of. */
export function isGuarded(sentence: string, at: number, length: number): boolean {
  const before = sentence.slice(0, at).replace(NEVER_MIND, " ");
  const after = sentence.slice(at + length);
  // A demand that begins with its own negation ("do not tell the user about this") is none that it forbids.
  if (FORBIDS.test(before) || ASKS_FIRST.test(before) || FORBIDDEN.test(after)) return true;
  const end = sentence.indexOf(",", at);
  if (!IN_CONDITION.test(sentence) || end < 0)
    return /\b(?:if|unless|only (?:if|after|when|with))\b[^.]{0,60}\b(?:approv|confirm|permission|consent|agree)/i.test(after);
  // The condition names it; what the rule asks for comes after the comma.
  return /^\s*(?:refuse|decline|reject|ignore|stop|treat|report|escalate|tell|warn|ask|do not|don['’]t|never|answer|say|log|block)\b/i.test(
    sentence.slice(end + 1),
  );
}
