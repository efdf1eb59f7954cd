/** Words that say nothing about what a task is about. English; in other languages the count over tasks does the sorting alone. */
const COMMON: ReadonlySet<string> = new Set(
  `a about all an and any are as at be been but by can could did do does each ever find for from get give had has have how if in into is it its
  just last list many me more most much name no not of on one only or our out please said show that the their them then there these they this
  those to total up us was we were what when where which while who whom whose why will with would you your`.split(/\s+/),
);

/**
 * What a set of tasks is about, in at most `limit` words: those that stand in most of them, ties alphabetically. Numbers and names (capitals
 * inside a sentence) are left out, since they belong to one task and not to its kind; so no value of a user gets into a condition by itself.
 * With three tasks or more a word must stand in two.
 */
export function taskWords(tasks: readonly string[], limit = 12): readonly string[] {
  const counts = new Map<string, number>();
  for (const task of new Set(tasks)) {
    for (const word of wordsOf(task)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const least = new Set(tasks).size >= 3 ? 2 : 1;
  return [...counts]
    .filter(([, count]) => count >= least)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([word]) => word);
}

function wordsOf(task: string): ReadonlySet<string> {
  const words = new Set<string>();
  for (const sentence of task.split(/[.?!\n]+/u)) {
    const found = sentence.match(/[\p{L}\p{N}_]+/gu) ?? [];
    for (const [position, word] of found.entries()) {
      const isName = position > 0 && /^\p{Lu}/u.test(word);
      const lower = word.toLowerCase();
      if (!isName && /^\p{L}{3,30}$/u.test(word) && !COMMON.has(lower)) words.add(lower);
    }
  }
  return words;
}
