/** Items and tasks for knowledge.latency, and the embedding model they are measured with. All of it depends on the seed only. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createRandom } from "./statistics.mjs";
import { builtModule } from "./stored-spans.mjs";

const WORDS = 20_000;
const TOPICS = 200;
const TOPIC_WORDS = 60;
const SYLLABLES = "ba co di fe ga hi ju ka lo mi ne po qua ra se ti un va wi xe yo za tion ing er al".split(" ");

/** `count` items of about 200 characters, half of the words of one of 200 topics, and `tasks` questions about them, the size of a sentence or two. */
export function makeCorpus({ count, tasks, seed }) {
  const random = createRandom(seed);
  const words = Array.from({ length: WORDS }, (_, index) => wordOf(random, index));
  // Zipf's law: the n-th word is n times rarer than the first.
  const common = () => words[Math.floor(WORDS ** random()) - 1] ?? words[0];
  const topics = Array.from({ length: TOPICS }, () => Array.from({ length: TOPIC_WORDS }, () => words[Math.floor(random() * WORDS)]));
  const telling = (topic) => topic[Math.floor(TOPIC_WORDS * random() ** 2)];
  const text = (topic, length) => Array.from({ length }, () => (random() < 0.5 ? telling(topic) : common())).join(" ");
  const items = Array.from({ length: count }, () => {
    const topic = Math.floor(random() * TOPICS);
    return { topic, content: text(topics[topic], 24), appliesWhen: text(topics[topic], 6) };
  });
  const questions = Array.from({ length: tasks }, () => {
    const { topic, content } = items[Math.floor(random() * count)];
    const quoted = content.split(" ").filter(() => random() < 0.2);
    return `How do I ${text(topics[topic], 8)} when the ${quoted.join(" ")}?`;
  });
  return { items, tasks: questions };
}

function wordOf(random, index) {
  const syllables = 2 + Math.floor(random() * 3);
  const start = Array.from({ length: syllables }, () => SYLLABLES[Math.floor(random() * SYLLABLES.length)]).join("");
  // Some share their beginnings; none is another.
  return `${start}${String.fromCharCode(97 + (index % 26))}`;
}

/** The table that ships with the package, where there is one; else a model that puts each word somewhere and a text in the middle of its words. */
export async function openBenchModel() {
  const table = fileURLToPath(new URL("../../assets/embedding/static-en.bin", import.meta.url));
  if (existsSync(table)) {
    const { openStaticModel } = await builtModule("src/embedding/static-model.js");
    return openStaticModel();
  }
  return createHashedModel(256);
}

function createHashedModel(dimensions) {
  const known = new Map();
  const vectorOf = (word) => {
    const found = known.get(word);
    if (found !== undefined) return found;
    let seed = 7;
    for (let at = 0; at < word.length; at += 1) seed = Math.imul(seed ^ word.charCodeAt(at), 0x01000193);
    const random = createRandom(seed);
    const vector = Float32Array.from({ length: dimensions }, () => random() + random() - 1);
    known.set(word, vector);
    return vector;
  };
  const embedNow = (text) => {
    const sum = new Float32Array(dimensions);
    for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) {
      const vector = vectorOf(word);
      for (let at = 0; at < dimensions; at += 1) sum[at] += vector[at];
    }
    const length = Math.hypot(...sum);
    return length === 0 ? sum : sum.map((value) => value / length);
  };
  return { id: `hashed-words-${dimensions}`, dimensions, embedNow, embed: async (texts) => texts.map(embedNow) };
}
