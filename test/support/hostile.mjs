/**
 * Objects that an agent, or what it depends on, could hand to a span or log processor, and that break code which trusts them.
 * Plain JavaScript, because the contract test and the figure agent.hostile, which runs without a compiler, draw from the same.
 */

const explode = () => {
  throw new Error("hostile");
};
const never = Promise.reject(new Error("hostile"));
// It is the host's own promise and nobody's fault; what awaits it again rejects anew.
never.catch(() => {});
const { proxy: REVOKED, revoke } = Proxy.revocable({}, {});
revoke();
const CYCLE = {};
CYCLE.self = [CYCLE];

/** Made when first asked for: a process that draws none of them needs no room for them. */
function once(make) {
  let made;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const MEGABYTE = 1024 * 1024;
const hugeText = once(() => "x".repeat(50 * MEGABYTE));
const tenMegabytes = once(() => "€".repeat(10 * MEGABYTE));
const manyKeys = (count, value) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`gen_ai.key.${index}`, value]));
/** Another answer at each read, so that a check says nothing about the next read. */
const changing = (...answers) => {
  let reads = 0;
  return () => answers[reads++ % answers.length];
};
const changingField = (field, ...answers) => Object.defineProperty({}, field, { get: changing(...answers), enumerable: true });
const endlessPrototype = () => new Proxy({}, { getPrototypeOf: endlessPrototype });

/** What takes a millisecond or more, or a megabyte, however good the processor is. */
const HEAVY = {
  huge: hugeText,
  hugeKey: once(() => ({ [hugeText().slice(0, 2 * MEGABYTE)]: 1 })),
  boxed: () => Object(hugeText()),
  buffer: once(() => new Uint8Array(50 * MEGABYTE)),
  endless: () => new Array(2 ** 32 - 1),
  tenMegabytes: () => ({ "gen_ai.input.messages": tenMegabytes(), "gen_ai.output.messages": tenMegabytes() }),
  manyTenMegabytes: once(() => manyKeys(64, tenMegabytes())),
  millionAttributes: once(() => manyKeys(1_000_000, 1)),
  endlessPrototype,
};

const LIGHT = {
  throwingGetter: () => Object.defineProperty({}, "x", { get: explode, enumerable: true }),
  throwingProxy: () => new Proxy({}, { get: explode, ownKeys: explode, has: explode, getPrototypeOf: explode }),
  throwingFunction: () => explode,
  throwingOddly: () => Object.defineProperty({ "gen_ai.x": 1 }, "y", { get: throwNothing, enumerable: true }),
  revoked: () => REVOKED,
  cycle: () => CYCLE,
  bigint: () => 2n ** 4096n,
  symbol: () => Symbol("s"),
  symbolKey: () => ({ [Symbol("k")]: explode, "gen_ai.x": Symbol.iterator }),
  date: () => new Date(Number.NaN),
  lyingDate: () => Object.assign(new Date(0), { getTime: () => 0, toISOString: () => explode }),
  falseDate: () => Object.create(Date.prototype),
  map: () => new Map([[1, 2]]),
  nothing: () => undefined,
  null: () => null,
  notANumber: () => Number.NaN,
  infinite: () => [Number.POSITIVE_INFINITY, -0, 1e308],
  notATime: () => [Number.NaN, Number.NaN],
  text: () => "[object",
  loneSurrogate: () => "\ud800 \udfff\0\u202e",
  badString: () => ({ toString: explode, valueOf: explode, [Symbol.toPrimitive]: explode }),
  badIterator: () => ({ [Symbol.iterator]: explode, length: 3 }),
  toJson: () => ({ toJSON: explode, "gen_ai.x": { toJSON: () => CYCLE } }),
  typedArray: () => new Float64Array([Number.NaN, 1, Number.NEGATIVE_INFINITY]),
  bigTypedArray: () => new BigInt64Array(4),
  detached: () => {
    const bytes = new Uint8Array(8);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    return bytes;
  },
  lyingBytes: () => Object.assign(new Uint8Array(8), { subarray: () => "x".repeat(1_000_000) }),
  sharedBytes: () => new Uint8Array(new SharedArrayBuffer(8)),
  lyingList: () => Object.assign([1], { slice: () => ({ length: 1, map: () => [explode] }), map: explode }),
  sparseList: () => Object.assign([], { 5: { name: "gen_ai.choice" }, length: 40 }),
  lyingLength: () => new Proxy([], { get: (list, key) => (key === "length" ? Number.NaN : list[key]) }),
  prototype: () => JSON.parse('{"__proto__":{"gen_ai.x":1},"constructor":{"prototype":null},"hasOwnProperty":1}'),
  inherited: () => Object.create({ "gen_ai.x": 1, attributes: CYCLE }),
  noPrototype: () => Object.assign(Object.create(null), { "gen_ai.x": Object.create(null) }),
  frozen: () => Object.freeze({ "gen_ai.x": Object.freeze([Object.freeze({})]) }),
  changing: () => changingField("gen_ai.x", "text", explode, 1n, Symbol("s")),
  changingScope: () => {
    const scope = changingField("name", "text", explode);
    return Object.defineProperty(scope, "version", { get: changing("1", "1", explode), enumerable: true });
  },
  changingError: () => Object.defineProperty(new Error("m"), "message", { get: changing("m", Symbol("s")) }),
  rejected: () => never,
  promiseLike: () => Object.defineProperty({ "gen_ai.x": 1 }, THEN, { get: explode, enumerable: true }),
  thenable: () => ({ "gen_ai.x": 1, [THEN]: (_resolve, reject) => reject(new Error("hostile")) }),
  asyncAttributes: () => ({ asyncAttributesPending: true, attributes: never, waitForAsyncAttributes: explode }),
  deep: once(() => {
    let value = {};
    for (let depth = 0; depth < 10_000; depth++) value = { "gen_ai.x": value };
    return value;
  }),
  weak: () => new WeakRef({}),
  regexp: () => Object.assign(/x/g, { exec: explode }),
  generator: () =>
    (function* () {
      yield 1;
    })(),
  module: () => globalThis,
  fine: () => ({ "gen_ai.operation.name": "chat" }),
};

/** As a value, because a literal with this key is what linters, rightly, refuse. */
const THEN = "then";

function throwNothing() {
  // Not everything thrown is an error.
  throw undefined;
}

const VALUES = { ...LIGHT, ...HEAVY };
export const VALUE_NAMES = Object.keys(VALUES);
export const LIGHT_NAMES = Object.keys(LIGHT);
export const HEAVY_NAMES = Object.keys(HEAVY);

export const SPAN_FIELDS = [
  "name",
  "kind",
  "parentSpanContext",
  "parentSpanId",
  "startTime",
  "endTime",
  "status",
  "attributes",
  "events",
  "links",
  "resource",
  "instrumentationScope",
  "spanContext",
];
export const LOG_FIELDS = [
  "hrTime",
  "hrTimeObserved",
  "spanContext",
  "eventName",
  "body",
  "attributes",
  "resource",
  "instrumentationScope",
];

/** One hostile value, by name: what prints or compares the drawn case must not touch the value. */
export function value(name) {
  return VALUES[name]?.();
}

/** How a value gets into a field: a getter that throws, as it is, one level down, in a list, in what the field's function returns, changing. */
const PLANTINGS = [
  () => ({ get: explode }),
  (value) => ({ value }),
  (value) => ({ value: { "gen_ai.x": value, attributes: value } }),
  (value) => ({ value: [value, { name: value, attributes: value, context: value, time: value }] }),
  (value) => ({ value: () => ({ traceId: value, spanId: value, traceFlags: value }) }),
  (value) => ({ get: changing({ "gen_ai.x": 1 }, value, [value], "text", explode) }),
];
export const PLANTING_COUNT = PLANTINGS.length;

/** How the object as a whole arrives. */
const WRAPPINGS = {
  plain: (object) => object,
  frozen: (object) => Object.freeze(object),
  proxy: (object) => new Proxy(object, {}),
  failingProxy: (object) => {
    let reads = 0;
    return new Proxy(object, {
      get: (target, key) => {
        reads += 1;
        return reads > 12 ? explode() : target[key];
      },
    });
  },
  inherited: (object) => Object.create(object),
  revoked: () => REVOKED,
};
export const WRAPPING_NAMES = Object.keys(WRAPPINGS);

/** A finished span, or a log record, that nothing is wrong with, as an SDK object. */
export function soundSpan(context) {
  return {
    name: "chat",
    kind: 0,
    spanContext: () => context,
    startTime: [1, 0],
    endTime: [2, 0],
    status: { code: 0 },
    attributes: { "gen_ai.operation.name": "chat" },
    events: [],
    links: [],
    resource: { attributes: {} },
  };
}

export function soundLog(context) {
  return { ...soundSpan(context), hrTime: [1, 0], spanContext: context, body: "hi" };
}

/** `object` with `planted` ([field, value's name, index of the planting]) in it. Changes it. */
export function made(object, planted, wrapping = "plain") {
  for (const [field, name, planting] of planted) {
    Object.defineProperty(object, field, { ...PLANTINGS[planting]?.(value(name)), configurable: true, enumerable: true });
  }
  return WRAPPINGS[wrapping]?.(object);
}
