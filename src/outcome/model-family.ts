const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/\b(?:gpt|chatgpt|davinci|codex|o[1345](?:-|$|\b))/, "gpt"],
  [/claude/, "claude"],
  [/gemini|gemma|palm|bison/, "gemini"],
  [/llama/, "llama"],
  [/mistral|mixtral|magistral|ministral|codestral|devstral/, "mistral"],
  [/qwen|qwq/, "qwen"],
  [/deepseek/, "deepseek"],
  [/grok/, "grok"],
  [/\bphi-?\d/, "phi"],
  [/command/, "command"],
  [/nova/, "nova"],
  [/\bglm|chatglm/, "glm"],
  [/kimi|moonshot/, "kimi"],
];

/** The line a model comes from, by its name: judges favour text of their own line. A name nobody knows is its own family up to the first version. */
export function modelFamily(model: string): string {
  const name = model.trim().toLowerCase().replace(/^.*\//, "");
  const known = FAMILIES.find(([pattern]) => pattern.test(name))?.[1];
  return known ?? name.replace(/[-_:.@]?\d.*$/, "");
}

/** What is to be said where judge and agent are of one line; undefined where they are not. */
export function sharedFamily(judgeModel: string, agentModels: readonly string[]): string | undefined {
  const family = modelFamily(judgeModel);
  const same = agentModels.find((model) => modelFamily(model) === family);
  return same === undefined
    ? undefined
    : `the judge (${judgeModel}) and the agent (${same}) are models of one family, ${family}: judges favour their own`;
}
