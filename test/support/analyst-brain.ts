import type { Brain } from "../../src/testing/chat.ts";

/**
 * A model that reads runs of an agent that writes SQL. It sees that a column was not there, looks for the word that a run which worked used in its place,
 * and says so for each wrong word. It knows nothing else; it reacts to the words of the prompt alone.
 */
export const analystBrain: Brain = ({ messages }) => {
  const prompt = messages.map(({ content }) => content).join("\n");
  const [before = "", after = ""] = prompt.split("Runs on similar tasks that succeeded:");
  const failed = blocksOf(before);
  const right = blocksOf(after).flatMap(({ text }) => /SELECT (\w+) FROM/.exec(text)?.[1] ?? [])[0];
  const wrong = new Map<string, number[]>();
  for (const { number, text } of failed) {
    const column = /no such column: (\w+)/.exec(text)?.[1];
    if (column !== undefined) wrong.set(column, [...(wrong.get(column) ?? []), number]);
  }
  const lessons = [...wrong].flatMap(([column, runs]) => {
    if (right === undefined) return [];
    const known = prompt.split("\n").find((line) => /^[0-9a-f]{8} /.test(line) && line.includes(` ${column}`));
    return [
      {
        type: "skill",
        content: `In run_sql, the column is called ${right}, not ${column}.`,
        appliesWhen: "a question about when a driver was born",
        confidence: 0.8,
        reasoning: `every run that asked for ${column} failed`,
        runs,
        revises: known?.slice(0, 8) ?? null,
      },
    ];
  });
  return { type: "text", text: JSON.stringify({ lessons }) };
};

function blocksOf(text: string): readonly { readonly number: number; readonly text: string }[] {
  return [...text.matchAll(/^BEGIN RUN (\d+) (\w+)\n([\s\S]*?)\nEND RUN \1 \2$/gm)].map(([, number = "", , body = ""]) => ({
    number: Number(number),
    text: body,
  }));
}
