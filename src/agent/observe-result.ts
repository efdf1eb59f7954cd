import { types } from "node:util";

/** One run that is being observed. Ends once; later ends are ignored. */
export interface Recording {
  /** Runs `fn` as a part of the run: calls inside know what they belong to. */
  enter<T>(fn: () => T): T;
  succeed(output: string): void;
  fail(caught: unknown): void;
}

type TextOf = (value: unknown) => string;

/** Ends the recording when the agent's work ends, which for promises and generators is later. Returns what the caller gets; never throws. */
export function observeResult<Result>(result: Result, recording: Recording, textOf: TextOf): Result {
  if (types.isPromise(result)) {
    // A branch of its own: the caller gets the very promise the agent returned.
    void result.then(
      (value) => recording.succeed(textOf(value)),
      (caught: unknown) => recording.fail(caught),
    );
    return result;
  }
  const shape = shapeOf(result);
  if (shape === "thenable") watchThenable(result as object, recording, textOf);
  else if (shape === "generator") return watchGenerator(result as AsyncGenerator<unknown>, recording, textOf) as Result;
  else recording.succeed(textOf(result));
  return result;
}

/** Getters of the agent's own objects may throw; then they are what they are. */
function shapeOf(value: unknown): "thenable" | "generator" | "value" {
  try {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return "value";
    const { then, next, return: end, [Symbol.asyncIterator]: iterator } = value as { [key: PropertyKey]: unknown };
    if (typeof then === "function") return "thenable";
    return [next, end, iterator].every((method) => typeof method === "function") ? "generator" : "value";
  } catch {
    return "value";
  }
}

/**
 * Query builders and the like start their work in `then`, and again with every further one. So nobody calls it here: the caller's own call is observed.
 * A thenable that can't take a property of its own ends its run at once, without output.
 */
function watchThenable(thenable: object, recording: Recording, textOf: TextOf): void {
  const { then } = thenable as { readonly then: (...handlers: unknown[]) => unknown };
  function watched(this: unknown, onFulfilled?: unknown, onRejected?: unknown): unknown {
    const fulfilled = (value: unknown): unknown => {
      recording.succeed(textOf(value));
      return typeof onFulfilled === "function" ? (onFulfilled(value) as unknown) : value;
    };
    const rejected = (caught: unknown): unknown => {
      recording.fail(caught);
      if (typeof onRejected === "function") return onRejected(caught) as unknown;
      throw caught;
    };
    return recording.enter(() => then.call(this, fulfilled, rejected));
  }
  try {
    Object.defineProperty(thenable, THEN, { value: watched, configurable: true, writable: true, enumerable: false });
  } catch {
    recording.succeed("");
  }
}

const THEN = "then";

const STEPS: ReadonlySet<PropertyKey> = new Set(["next", "return", "throw"]);

/**
 * Stands before the generator and forwards everything: what is sent, thrown or returned into it, and whatever else the object can do. Refused: a generator
 * around it, which swallows `throw` and hides the object's own methods.
 */
function watchGenerator(source: AsyncGenerator<unknown>, recording: Recording, textOf: TextOf): AsyncGenerator<unknown> {
  const pieces: string[] = [];
  const step =
    (method: (...args: unknown[]) => unknown) =>
    async (...args: unknown[]): Promise<unknown> => {
      try {
        const result = (await recording.enter(() => method.apply(source, args))) as IteratorResult<unknown>;
        if (result.done === true) recording.succeed(pieces.join(""));
        else pieces.push(textOf(result.value));
        return result;
      } catch (caught) {
        recording.fail(caught);
        throw caught;
      }
    };
  // An empty target: a frozen generator as target would forbid to answer with another `next`.
  const proxy: AsyncGenerator<unknown> = new Proxy(Object.create(Object.getPrototypeOf(source) as object) as AsyncGenerator<unknown>, {
    get(_target, key) {
      const value: unknown = Reflect.get(source, key, source);
      if (typeof value !== "function" || key === "constructor") return value;
      if (key === Symbol.asyncIterator) return () => proxy;
      return STEPS.has(key) ? step(value as (...args: unknown[]) => unknown) : value.bind(source);
    },
    set: (_target, key, value) => Reflect.set(source, key, value, source),
    has: (_target, key) => Reflect.has(source, key),
  });
  return proxy;
}
