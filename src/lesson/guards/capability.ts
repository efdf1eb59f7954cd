import type { Trace } from "../../trace/trace.ts";
import { demandsOf, isGuarded } from "./demands.ts";
import { decodedParts, unleet, visible } from "./fold.ts";
import { ALLOW, type Guard, quarantine, textsOf } from "./guard.ts";

type Lint = readonly [what: string, pattern: RegExp];

const CHECK =
  "(?:verif|validat|approv|confirm|authent|authori[sz]|review|consent|permission|sign-?off|double-?check|checks?\\b|2fa|mfa|inspect|audit)";
const DATA =
  "(?:conversation|chat|history|transcript|customer|user|personal|account|session|prompt|credential|secret|key|token|password|result|output|context|note|record|address(?:es)?|contact|invoice|document|file)s?";
const AWAY =
  "(?:external|partner|third[- ]part\\w+|backup|mirror|relay|webhook|collector|endpoint|server|inbox|mailbox|bucket|drop ?box|pastebin|gist|channel|address|host|dns|vendor|outside|unknown|archive)";

/** What asks for less care, more rights, or sends something away. Bounded: linear on hostile text. Looked for in text that is folded to lower case. */
const LINTS: readonly Lint[] = [
  [
    "weakens a check",
    new RegExp(`\\b(?:no (?:longer )?(?:need|reason) (?:to|for)|(?:need|require|take|want|ask for|get)s? no)\\b[^.]{0,40}\\b${CHECK}`),
  ],
  [
    "weakens a check",
    new RegExp(
      `\\b(?:skip|bypass|omit|ignor|disabl|suppress|waiv|drop|leave out|turn off|switch off|relax)\\w{0,4}\\b[^.]{0,40}\\b${CHECK}`,
    ),
  ],
  [
    "weakens a check",
    new RegExp(
      `\\b(?:do not|don't|dont|never|no longer|need not|needn't|not)\\b[^.]{0,12}\\b(?:require|ask|need|wait|request|seek|be|run|perform|bother|stop)\\w{0,4}\\b[^.]{0,40}\\b${CHECK}`,
    ),
  ],
  [
    "weakens a check",
    new RegExp(
      `\\b${CHECK}\\w{0,6}\\b[^.]{0,30}\\b(?:is|are|was|were|can be|may be|should be)\\b[^.]{0,12}\\b(?:not (?:required|needed|necessary)|optional|unnecessary|waived|skipped|bypassed|disabled|off|redundant)\\b`,
    ),
  ],
  ["weakens a check", new RegExp(`\\bwithout\\b[^.]{0,30}\\b${CHECK}`)],
  [
    "weakens a check",
    /\b(?:treat|consider|accept|regard|trust|assume|count|mark)\w{0,3}\b[^.]{0,60}\b(?:pre-?)?(?:approved|verified|trusted|authori[sz]ed|genuine|legitimate|confirmed|cleared|exempt)\b/,
  ],
  ["weakens a check", /\b(?:auto|pre)-?approv/],
  [
    "weakens a check",
    /\b(?:rais|increas|lift|remov|ignor|exceed|disabl)\w{0,3}\b[^.]{0,30}\b(?:limit|threshold|cap|quota|guard ?rails?|restrictions?|filters?|policy|policies)\b[^.]{0,40}\b(?:refund|transfer|payment|spend|withdraw|discount|access|rate|safety|content|approval)/,
  ],
  [
    "weakens a check",
    /\bohne (?:\S+ ){0,3}(?:prüfung|pruefung|bestätigung|bestaetigung|rückfrage|freigabe|genehmigung)|\b(?:prüfung|bestätigung|freigabe|genehmigung)\S{0,4} (?:\S+ ){0,4}(?:überspring|weglassen|auslassen|entfällt|nicht (?:nötig|erforderlich))|überspring\S{0,3} (?:\S+ ){0,3}(?:prüf|bestätig|freigab|genehmig)/u,
  ],
  [
    "weakens a check",
    /\bsans (?:\S+ ){0,3}(?:vérif|confirm|valid|autoris|approb|accord)|\b(?:ignor|saut|contourn|omet)\S{0,4} (?:\S+ ){0,3}(?:vérif|valid|confirm|instructions|règles|consignes|approb)/u,
  ],
  [
    "weakens a check",
    /\bsin (?:\S+ ){0,3}(?:confirm|verific|autoriz|valid|aprob|permiso)|\b(?:omit|salt|ignor|evit)\S{0,4} (?:\S+ ){0,3}(?:verific|valid|confirm|instrucciones|aprob|autoriz)/u,
  ],
  [
    "weakens a check",
    /\b(?:senza|sem) (?:\S+ ){0,3}(?:conferm|confirm|verific|autoriz|approv|aprov|valid)|\b(?:salta|ignora|ometti|pule|omita)\S{0,3} (?:\S+ ){0,3}(?:verific|conferm|confirm|istruzioni|instruções|approv|aprov|valid)/u,
  ],
  [
    "weakens a check",
    /(?:без|минуя) (?:\S+ ){0,3}(?:проверк|подтвержд|разрешен|согласован|одобрен)|(?:пропус|игнорир|обходи|отключ)\S{0,6} (?:\S+ ){0,3}(?:проверк|подтвержд|инструкц|правил|согласован|одобрен)/u,
  ],
  [
    "weakens a check",
    /跳过|绕过|无需.{0,6}(?:确认|验证|审批|批准|核实|检查)|不(?:需要|用|必).{0,6}(?:确认|验证|审批|批准|核实)|忽略.{0,12}(?:指令|规则|提示|检查)|(?:確認|検証|承認).{0,6}(?:せず|なし|不要|省略|スキップ)|無視して/u,
  ],
  [
    "sends data away",
    new RegExp(
      `\\b(?:send|forward|post|upload|copy|share|bcc|transmit|mirror|sync|push|submit|attach|leak|export|append|relay|deliver|report|e-?mail)\\w{0,4}\\b[^.]{0,80}\\b${DATA}\\b[^.]{0,60}\\b(?:to|into|at|via|with|through)\\b[^.]{0,40}\\b${AWAY}\\b`,
    ),
  ],
  [
    "sends data away",
    new RegExp(
      `\\b(?:send|forward|post|upload|copy|share|bcc|transmit|mirror|relay|deliver)\\w{0,4}\\b[^.]{0,40}\\b(?:to|into)\\b[^.]{0,30}\\b${AWAY}\\b[^.]{0,60}\\b${DATA}\\b`,
    ),
  ],
  [
    "sends data away",
    /\b(?:silently|quietly|secretly|covertly|discreetly)\b[^.]{0,20}\b(?:send|forward|copy|post|upload|include|add|run|call|log|share)|\b(?:print|reveal|show|repeat|output|quote|include|paste|echo)\w{0,3}\b[^.]{0,40}\b(?:system prompt|your instructions|hidden instructions|developer message|environment variables?|api[ _-]?keys?|credentials|passwords?|private keys?)/,
  ],
  [
    "sends data away",
    /\b(?:do not|don't|never|not)\b[^.]{0,12}\b(?:mention|tell|inform|disclose|report|notify|alert|log)\b[^.]{0,50}\b(?:user|customer|owner|admin|operator|anyone|anybody|this|it|security)\b/,
  ],
  [
    "moves money",
    /\b(?:pay|transfer|wire|remit|refund|deposit|send|route|redirect|payout)\w{0,4}\b[^.]{0,60}\b(?:to|into)\b[^.]{0,40}\b(?:account|iban|wallet|payee|beneficiary|bitcoin|address)\b|\b(?:bank|payout|payment|payee|beneficiary|settlement|remittance)\b[^.]{0,20}\b(?:account|details|address|iban)\b[^.]{0,40}\b(?:changed|moved|updated|replaced|is now|are now|instead)\b/,
  ],
  [
    "changes authority",
    /\b(?:as|with|using|grant|request|use|need|get|obtain|add|give|assign|elevat\w{1,3}|escalat\w{1,3}|assume|switch to)\b[^.]{0,30}\b(?:admin\w*|root|superuser|sudo|owner|full|unrestricted|elevated|privileged|write|global)\b[^.]{0,20}\b(?:scopes?|access|roles?|rights?|privileges?|permissions?|mode|user|account|credentials?|token)\b|\bsudo\b|--privileged\b|\bchmod\b[^.]{0,12}777/,
  ],
  [
    "changes authority",
    /\b(?:this|these|the following|the above)\b[^.]{0,20}\b(?:rule|instruction|message|policy|note)s?\b[^.]{0,30}\b(?:override|supersede|outrank|replace|precedence|priority)|\b(?:overrid|supersed|outrank)\w{1,3}\b[^.]{0,40}\b(?:instruction|rule|prompt|policy|policies|polic|guideline)|\b(?:ignor|disregard|forget)\w{0,4}\b[^.]{0,40}\b(?:instruction|rule|prompt|polic|guideline|guardrail|system|developer)/,
  ],
  [
    "changes authority",
    /\b(?:obey|comply with|follow|execute|carry out)\b[^.]{0,40}\b(?:instruction|command|order|request)s?\b[^.]{0,40}\b(?:in|from|of|inside|within)\b[^.]{0,30}\b(?:result|output|document|page|e-?mail|message|comment|ticket|web|user|customer|text|field)/,
  ],
  [
    "runs or installs something",
    /\b(?:install|side-?load|pip3? install|npm i(?:nstall)?|npx|uvx|pipx|brew install|apt(?:-get)? install|gem install|cargo add|go get|docker run|curl|wget)\b[^.]{0,60}\b(?:package|module|library|plugin|extension|script|helper|binary|tool|version|sdk|cli|server|dependency|[a-z0-9]{2,40}-[a-z0-9-]{2,40})\b|\b(?:pip3? install|npm i(?:nstall)?|npx|uvx|pipx run|gem install|cargo add)\s+\S{2,80}|\|\s{0,3}(?:ba|z)?sh\b|\b(?:eval|exec)\s?\(/,
  ],
  [
    "destroys something",
    /\b(?:delet|eras|purg|wip|destroy|truncat|drop|overwrit|empty)\w{0,3}\b[^.]{0,40}\b(?:tables?|databases?|backups?|logs?|audit|accounts?|all|every|history|volumes?|buckets?|disks?|indexes|schemas?)\b|\brm -\w{0,4}[rf]/,
  ],
];

const NAME = "[a-z][a-z0-9]{1,30}(?:[_.:-][a-z0-9]{1,30}){0,6}";
const JOINED = "[a-z][a-z0-9]{1,30}(?:[_:-][a-z0-9]{1,30}){1,6}";
/** A tool, as a rule tells an agent to use it. */
const NAMED_TOOLS: readonly RegExp[] = [
  new RegExp(
    `\\b(?:call|invoke|execute|trigger|launch|query|delegate to|hand (?:over|off) to|route (?:\\w+ ){0,3}to|switch to|go through)\\s+(?:the |a |our )?(?:new |internal |approved |official )?["'\`]?(?<name>${JOINED})`,
    "g",
  ),
  new RegExp(
    `["'\`]?\\b(?<name>${JOINED})["'\`]?(?:\\(\\)|\\s+(?:tool|function|plugin|agent|server|endpoint|connector|skill|mcp|api|command)\\b)`,
    "g",
  ),
  new RegExp(
    `\\b(?:tool|function|plugin|agent|server|connector|mcp|package|library|module)\\s+(?:called |named )?["'\`]?(?<name>${JOINED})`,
    "g",
  ),
  new RegExp(
    `\\b(?:use|prefer|choose|pick|try)\\s+["'\`]?(?<name>${NAME})["'\`]?\\s+(?:instead of|rather than|in place of|over|before)\\s+["'\`]?(?<known>${JOINED})`,
    "g",
  ),
];

/**
 * A rule says how to use what the agent has. One that names a tool which its own runs never called, or that asks for less care, more rights or data to
 * leave, needs a person, whatever its evidence: what it does well on eval cases says nothing about what it does to others.
 */
export const capabilityGuard: Guard = {
  name: "capability",
  check: ({ lesson, sources }) => {
    const known = toolsOf(sources);
    for (const text of textsOf(lesson)) {
      for (const reading of readingsOf(text)) {
        const demand = demandsOf(reading)[0];
        if (demand !== undefined) return quarantine(`asks for what needs a person (${demand.kind}): ${quoted(demand.part)}`);
        const linted = lint(reading);
        if (linted !== undefined) return quarantine(linted);
        const name = unknownTool(reading, known);
        if (name !== undefined) return quarantine(`names a tool that none of its runs called: ${quoted(name)}`);
      }
    }
    return ALLOW;
  },
};

function readingsOf(text: string): readonly string[] {
  const raw = text.normalize("NFKC").toLowerCase();
  const folded = visible(text);
  return [...new Set([raw, folded, unleet(folded), ...decodedParts(text).map(visible)])];
}

function lint(text: string): string | undefined {
  for (const sentence of text.split(/[.!?;](?=\s|$)|\n/)) {
    for (const [what, pattern] of LINTS) {
      const found = pattern.exec(sentence);
      if (found !== null && !isWarning(sentence, found)) return `${what}: ${quoted(found[0])}`;
    }
  }
  return undefined;
}

/** "Never skip the check" forbids. A pattern that begins with its own negation is the demand itself. */
function isWarning(sentence: string, found: RegExpExecArray): boolean {
  return isGuarded(sentence, found.index, found[0].length);
}

function toolsOf(sources: readonly Trace[]): ReadonlySet<string> {
  return new Set(sources.flatMap(({ steps }) => steps.filter(({ kind }) => kind !== "llm").map(({ name }) => visible(name))));
}

function unknownTool(text: string, known: ReadonlySet<string>): string | undefined {
  for (const pattern of NAMED_TOOLS) {
    for (const { groups } of text.matchAll(pattern)) {
      const name = groups?.["name"] ?? "";
      const isOther = groups?.["known"] === undefined || known.has(groups["known"]);
      if (isOther && !known.has(name) && ![...known].some((tool) => tool.endsWith(name))) return name;
    }
  }
  return undefined;
}

function quoted(part: string): string {
  return JSON.stringify(part.slice(0, 80));
}
