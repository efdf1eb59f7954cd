/** What an OpenAI-compatible chat request takes in `tools`. */
export interface FunctionTool {
  readonly type: "function";
  readonly function: {
    readonly name: string;
    readonly description: string;
    /** JSON schema. */
    readonly parameters: { readonly [key: string]: unknown };
    readonly strict: boolean;
  };
}

/** The tool that belongs to the injector hybrid. Answer its calls with `recallKnowledge(id)`. */
export const recallKnowledgeTool: FunctionTool = {
  type: "function",
  function: {
    name: "recall_knowledge",
    description: "Reads one item of the KNOWLEDGE INDEX in full. Call it before you do what the line of the item speaks of.",
    parameters: {
      type: "object",
      properties: { id: { type: "string", description: "The 8 characters after the type in the line of the item" } },
      required: ["id"],
      additionalProperties: false,
    },
    strict: true,
  },
};
