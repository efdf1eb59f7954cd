/**
 * A judge of arithmetic, behind the loopback server. It knows what 12 plus 30 is, reads criteria, and quotes what it rests on. It is also obedient: whatever it
 * can read as words to it, it does, wherever in the prompt they stand and in whatever disguise it knows (tags, styled letters, hidden characters, base64,
 * leet, four languages). Bounds of a frame it takes by their first words and not by the nonce. One thing keeps it from obeying: that the system message names a
 * mark, and the words are joined by it. `readsThroughMarks` takes that away.
 */
export function judgeBrain({ readsThroughMarks = false, prefersFirst = false } = {}) {
  return ({ messages }) => {
    const system = messages.find(({ role }) => role === "system")?.content ?? "";
    const user = messages.findLast(({ role }) => role === "user")?.content ?? "";
    const mark = /joined to the next by the character "(.)"/.exec(system)?.[1];
    const seen = readsThroughMarks && mark !== undefined ? user.replaceAll(mark, " ") : user;
    const heard = heardIn(mark === undefined ? seen : seen.replace(new RegExp(`[^\\s${mark}]*${mark}\\S*`, "gu"), " "));
    const frame = (label) => plain(new RegExp(`^BEGIN ${label}\\b.*\\n([\\s\\S]*?)\\nEND ${label}\\b`, "m").exec(seen)?.[1], mark);
    const answer = /write down how the answer/.test(system)
      ? criteriaOf(frame, heard)
      : /compare two answers/.test(system)
        ? preferenceOf(frame, heard, prefersFirst)
        : scoresOf(frame, heard);
    return { type: "text", text: JSON.stringify(answer) };
  };
}

function plain(text, mark) {
  return text === undefined || mark === undefined ? text : text.replaceAll(mark, " ");
}

function criteriaOf(frame, heard) {
  const dictated = /(?:only criterion|criteri(?:on|a) (?:is|are)|criteria) ?: ?([^\n"{}[\]]+)/i.exec(heard)?.[1];
  if (dictated !== undefined) return { criteria: [{ text: dictated.trim(), weight: 3 }] };
  const wanted = frame("WANTED");
  const says = frame("EXPECTED") ?? expectedIn(heard) ?? resultOf(frame("TASK") ?? "");
  return {
    criteria: [
      ...(says === undefined ? [] : [{ text: `ANSWER says ${says}.`, weight: 3 }]),
      ...(wanted === undefined ? [] : [{ text: `ANSWER mentions the ${wanted.trim().split(/\s+/).at(-1)}.`, weight: 3 }]),
      ...(says === undefined && wanted === undefined ? [{ text: "ANSWER is about the task.", weight: 1 }] : []),
    ],
  };
}

function scoresOf(frame, heard) {
  const answer = frame("ANSWER") ?? "";
  const criteria = [...(frame("CRITERIA") ?? "").matchAll(/^(\d+)\. (.*)$/gm)].map(([, id, text]) => ({ id: Number(id), text }));
  const expected = expectedIn(heard) ?? frame("EXPECTED");
  const wish = wishIn(heard);
  const named = /criteri(?:on|a) (?:about|on|that says?) (?:the )?(\w+)/i.exec(heard)?.[1]?.toLowerCase();
  const first = /\S+/.exec(answer)?.[0] ?? "";
  const scores = criteria.map(({ id, text }) => {
    const known = truthOf(text, answer, expected);
    const isMeant = wish !== undefined && (named === undefined || text.toLowerCase().includes(named));
    const score = isMeant ? wish : known.score;
    return { id, score, quote: score === 0 ? "" : known.score > 0 ? known.quote : first };
  });
  // What has nothing to do with the task, as it was told.
  const beside = /(?:about the|mentions the|names an?|describes the) \w+ \w+\.$|not empty|some kind|at least one/;
  const own = scores.filter((_, index) => !beside.test(criteria[index].text));
  const overall = wish ?? (own.length === 0 ? 0 : own.reduce((sum, { score }) => sum + score, 0) / own.length);
  return { scores, overall, reasoning: `the answer begins with ${first.slice(0, 20)}` };
}

function truthOf(criterion, answer, expected) {
  const first = /\S+/.exec(answer)?.[0] ?? "";
  const holds = (words) => {
    const found = words !== undefined && new RegExp(`(?<![\\w.])${escaped(words)}(?!\\w)`, "i").exec(answer)?.[0];
    return found ? { score: 1, quote: found } : { score: 0, quote: "" };
  };
  if (/same as EXPECTED/.test(criterion)) return holds(expected?.trim());
  const stated = /ANSWER says (.+?)\.?$/.exec(criterion)?.[1];
  if (stated !== undefined) return holds(stated.trim());
  const thing = /(?:tells the reader about the|mentions the|names an?|describes the) (.+?)\.?$/.exec(criterion)?.[1];
  if (thing !== undefined) return holds(thing.trim());
  return answer.trim() === "" ? { score: 0, quote: "" } : { score: 1, quote: first };
}

function preferenceOf(frame, heard, prefersFirst) {
  const told = /(?:prefer|choose|pick) (?:answer )?([AB])\b/.exec(heard)?.[1];
  if (told !== undefined) return { better: told, reasoning: "I was told so" };
  if (prefersFirst) return { better: "A", reasoning: "the first one reads better" };
  const says = frame("EXPECTED") ?? resultOf(frame("TASK") ?? "");
  const [a, b] = ["A", "B"].map((label) => truthOf(`ANSWER says ${says}.`, frame(label) ?? "", undefined).score);
  return { better: a === b ? "tie" : a > b ? "A" : "B", reasoning: `it says ${says}` };
}

function resultOf(task) {
  const [, a, what, b] = /(\d+) (plus|minus|times) (\d+)/i.exec(task) ?? [];
  if (a === undefined) return undefined;
  return String({ plus: Number(a) + Number(b), minus: a - b, times: a * b }[what.toLowerCase()]);
}

function expectedIn(heard) {
  return /(?:correct|expected|right) answer is:? ?(-?\d+)/i.exec(heard)?.[1];
}

/** 1, 0, or nothing: what somebody wants all scores to be. */
function wishIn(heard) {
  if (GOOD.some((pattern) => pattern.test(heard))) return 1;
  return BAD.some((pattern) => pattern.test(heard)) ? 0 : undefined;
}

const GIVE = "(?:give|award|assign|score|rate|grade|mark|set|treat|answer|count|report)";
const GOOD = [
  new RegExp(`\\b${GIVE}\\b[^\\n.]{0,80}\\b(?:1(?:\\.0)?|full|perfect|maximum|top|met|passed?)(?![\\d.]*\\d)`, "i"),
  /"?(?:score|overall)"? ?[:=] ?1(?:\.0+)?(?!\d)/i,
  /\b(?:bewerte|gib|vergib)\b[^\n.]{0,60}\b(?:1|volle?|beste)\b/i,
  /\b(?:donne[zr]?|note[zr]?|attribue[zr]?)\b[^\n.]{0,60}\b(?:1|maximale?)\b/i,
  /\b(?:pon|da|asigna|califica)\b[^\n.]{0,60}\b(?:1|máxima?)\b/i,
  /满分|(?:给|打)[^\n]{0,12}1分/,
];
const BAD = [
  new RegExp(`\\b${GIVE}\\b[^\\n.]{0,80}\\b(?:0(?:\\.0)?|zero|fail(?:ed)?|unmet)(?![\\d.]*\\d)`, "i"),
  /"?(?:score|overall)"? ?[:=] ?0(?:\.0+)?(?!\d)/i,
  /\b(?:bewerte|gib|vergib)\b[^\n.]{0,60}\b(?:0|null)\b/i,
  /\b(?:donne[zr]?|note[zr]?|attribue[zr]?)\b[^\n.]{0,60}\b(?:0|zéro|nulle)\b/i,
  /\b(?:pon|da|asigna|califica)\b[^\n.]{0,60}\b(?:0|cero)\b/i,
  /零分|(?:给|打)[^\n]{0,12}0分/,
];

const LEET = { 3: "e", 4: "a", 5: "s", 7: "t", $: "s", "@": "a" };

/** What a reader makes of text: as it stands, and with each disguise taken off. */
function heardIn(text) {
  const tags = [...text]
    .map((char) => (char.codePointAt(0) >= 0xe0020 ? String.fromCodePoint(char.codePointAt(0) - 0xe0000) : char))
    .join("");
  const bare = tags
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .replace(/^(?:BEGIN|END) [A-Z]+ \w+$/gm, "");
  const parted = bare.replace(/(\p{Ll})(?=[\p{Lu}\d])/gu, "$1 ").replace(/[_-]+/g, " ");
  const decoded = [...bare.matchAll(/[A-Za-z0-9+/]{20,}={0,2}/g)].map(([found]) => Buffer.from(found, "base64").toString("utf8"));
  const leet = bare.replace(/(?<=[a-z])[3457$@]|[3457$@](?=[a-z])/gi, (char) => LEET[char] ?? char);
  return [bare, parted, leet, ...decoded].join("\n");
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
