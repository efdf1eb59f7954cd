/** 1 when the answer says the expected value and no other, else 0. Case, accents, full stops and a leading "The answer is" do not matter. */
export function scoreRacing(output: string, expected: string): number {
  const said = plain(output).replace(/^(?:the )?answer(?: is|:)\s*/, "");
  const wanted = plain(expected);
  if (wanted === "") return 0;
  if (said === wanted) return 1;
  if (/^-?\d+(?:\.\d+)?$/.test(wanted)) return sameNumber(said, Number(wanted)) ? 1 : 0;
  if (wanted === "yes" || wanted === "no") return said.split(/[\s,]/)[0] === wanted ? 1 : 0;
  // A list that has the right name among others is a guess, not an answer.
  return !/[,;\n]| and | or /.test(said) && ` ${said} `.includes(` ${wanted} `) ? 1 : 0;
}

/** Every number in the text is this one, and there is one. */
function sameNumber(text: string, wanted: number): boolean {
  const numbers = text.replace(/(\d),(?=\d{3}\b)/g, "$1").match(/-?\d+(?:\.\d+)?/g) ?? [];
  return numbers.length > 0 && numbers.every((value) => Number(value) === wanted);
}

function plain(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .trim()
    .replace(/[.!]+$/, "");
}
