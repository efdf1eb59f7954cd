/**
 * Adds a processor to a provider that the application registers, before or after this call. An SDK offers no public way to do so after
 * construction (addSpanProcessor is gone since 2.0), so this reads its private but plain fields, checks each before use, and gives up
 * silently on a shape it does not know. Seen to work on SDK 2.12 and 3.1.
 */

const API_KEY = Symbol.for("opentelemetry.js.api.1");
/** The logs API of the 2.x line keeps its own global: a function from API version to provider. */
const LOGS_KEY = Symbol.for("io.opentelemetry.js.api.logs");

type Bag = Record<PropertyKey, unknown>;

/** Joins the global TracerProvider. Idempotent per provider. */
export function joinTraceProvider(processor: unknown): void {
  const joined = new WeakSet<object>();
  const join = (provider: unknown) => {
    const target = bag(call(provider, "getDelegate") ?? provider);
    if (target === undefined || joined.has(target)) return;
    const list = bag(target["_activeSpanProcessor"])?.["_spanProcessors"];
    if (!Array.isArray(list)) return;
    joined.add(target);
    list.push(processor);
  };
  watch(globalThis as unknown as Bag, API_KEY, (api) => {
    watch(api, "trace", (provider) => {
      join(provider);
      // The API registers a proxy first and tells it the real provider afterwards.
      wrap(provider, "setDelegate", join);
    });
  });
}

/** Joins the global LoggerProvider of either line. */
export function joinLogProvider(processor: unknown): void {
  const joined = new WeakSet<object>();
  const join = (provider: unknown) => {
    const target = bag(call(provider, "_getDelegate") ?? provider);
    if (target === undefined || joined.has(target)) return;
    const shared = bag(target["_sharedState"]);
    const list = bag(shared?.["activeProcessor"])?.["processors"];
    const own = shared?.["processors"];
    if (shared === undefined || !(Array.isArray(list) || (Array.isArray(own) && own.length === 0))) return;
    joined.add(target);
    if (Array.isArray(list)) list.push(processor);
    else {
      // A provider made without processors holds one that does nothing, and counts its list before it emits.
      (own as unknown[]).push(processor);
      shared["activeProcessor"] = processor;
    }
  };
  watch(globalThis as unknown as Bag, LOGS_KEY, (getter) => {
    if (typeof getter === "function") join((getter as unknown as (version: number) => unknown)(1));
  });
  watch(globalThis as unknown as Bag, API_KEY, (api) => {
    watch(api, "logs", (provider) => {
      join(provider);
      wrap(provider, "_setDelegate", join);
    });
  });
}

/** Calls back with the property's value now, if it has one, and with every value it is given later. Several watchers of one property nest. */
function watch(owner: Bag, key: PropertyKey, seen: (value: Bag) => void): void {
  const tell = (value: unknown) => {
    const known = bag(value);
    if (known !== undefined) seen(known);
  };
  const before = Object.getOwnPropertyDescriptor(owner, key);
  if (before?.configurable === false) {
    tell(owner[key]);
    return;
  }
  let current = owner[key];
  Object.defineProperty(owner, key, {
    configurable: true,
    enumerable: before?.enumerable ?? true,
    get: () => current,
    set: (value: unknown) => {
      current = value;
      before?.set?.call(owner, value);
      tell(value);
    },
  });
  tell(current);
}

/** After each call of the method, tells its first argument. */
function wrap(owner: Bag, method: string, seen: (argument: unknown) => void): void {
  const original = owner[method];
  if (typeof original !== "function") return;
  owner[method] = function (this: unknown, ...args: unknown[]): unknown {
    const result: unknown = original.apply(this, args);
    seen(args[0]);
    return result;
  };
}

function call(owner: unknown, method: string): unknown {
  const known = bag(owner)?.[method];
  return typeof known === "function" ? known.call(owner) : undefined;
}

function bag(value: unknown): Bag | undefined {
  return (typeof value === "object" || typeof value === "function") && value !== null ? (value as Bag) : undefined;
}
