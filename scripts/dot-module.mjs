/**
 * Assembles src/retrieval/dot-module.ts, the WebAssembly module that compares one vector with many: `node scripts/dot-module.mjs [--print]`.
 * The program is the list below, one instruction a line; a test checks that the committed module is what this makes of it. All pointers are byte offsets
 * in the memory.
 *
 * scan(query, vectors, scales, out, count, width): for each of `count` vectors of `width` signed bytes (a multiple of 16) the dot product with `query`,
 * the same number of signed 16-bit integers, times the vector's scale (f32), is written to `out` (f32). Goes by four vectors, so that each part of the
 * query is read once for them: up to three more than `count` are read and written.
 *
 * weigh(query, vector, width): the dot product of `width` floats with as many signed 16-bit integers (a multiple of 8).
 *
 * above(values, from, count, least): the first place from `from` on whose value (f32) is greater than `least`; `count` where there is none.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROWS = [0, 1, 2, 3];

const SCAN = {
  name: "scan",
  parameters: { query: "i32", vectors: "i32", scales: "i32", out: "i32", count: "i32", width: "i32" },
  locals: {
    ...{ at: "i32", stop: "i32", low: "v128", high: "v128", bytes: "v128" },
    ...Object.fromEntries(
      ROWS.flatMap((row) => [
        [`row${row}`, "i32"],
        [`sum${row}`, "v128"],
      ]),
    ),
  },
  program: `
  local.get vectors
  local.set row3
  block
    loop
      local.get count
      i32.const 0
      i32.le_s
      br_if 1
      ${ROWS.map(
        (row) => `
      local.get row3
      ${row === 0 ? "" : "local.get width\ni32.add"}
      local.set row${row === 0 ? 0 : row}
      ${row === 3 ? "" : `local.get row${row}\nlocal.set row3`}
      v128.zero
      local.set sum${row}`,
      ).join("\n")}
      local.get query
      local.set at
      local.get row0
      local.get width
      i32.add
      local.set stop
      loop
        local.get at
        v128.load 0
        local.set low
        local.get at
        v128.load 16
        local.set high
        ${ROWS.map(
          (row) => `
        local.get row${row}
        v128.load 0
        local.set bytes
        local.get sum${row}
        local.get bytes
        i16x8.extend_low_i8x16_s
        local.get low
        i32x4.dot_i16x8_s
        i32x4.add
        local.get bytes
        i16x8.extend_high_i8x16_s
        local.get high
        i32x4.dot_i16x8_s
        i32x4.add
        local.set sum${row}`,
        ).join("\n")}
        local.get at
        i32.const 32
        i32.add
        local.set at
        ${[3, 2, 1].map((row) => `local.get row${row}\ni32.const 16\ni32.add\nlocal.set row${row}`).join("\n")}
        local.get row0
        i32.const 16
        i32.add
        local.tee row0
        local.get stop
        i32.lt_u
        br_if 0
      end
      ${ROWS.map(
        (row) => `
      local.get out
      ${ROWS.map((lane) => `local.get sum${row}\ni32x4.extract_lane ${lane}${lane === 0 ? "" : "\ni32.add"}`).join("\n")}
      f32.convert_i32_s
      local.get scales
      f32.load ${row * 4}
      f32.mul
      f32.store ${row * 4}`,
      ).join("\n")}
      local.get out
      i32.const 16
      i32.add
      local.set out
      local.get scales
      i32.const 16
      i32.add
      local.set scales
      local.get count
      i32.const 4
      i32.sub
      local.set count
      br 0
    end
  end
end
`,
};

const WEIGH = {
  name: "weigh",
  parameters: { query: "i32", vector: "i32", width: "i32" },
  result: "f32",
  locals: { numbers: "v128", low: "v128", high: "v128" },
  program: `
  loop
    local.get vector
    v128.load 0
    local.set numbers
    local.get low
    local.get numbers
    i32x4.extend_low_i16x8_s
    f32x4.convert_i32x4_s
    local.get query
    v128.load 0
    f32x4.mul
    f32x4.add
    local.set low
    local.get high
    local.get numbers
    i32x4.extend_high_i16x8_s
    f32x4.convert_i32x4_s
    local.get query
    v128.load 16
    f32x4.mul
    f32x4.add
    local.set high
    local.get query
    i32.const 32
    i32.add
    local.set query
    local.get vector
    i32.const 16
    i32.add
    local.set vector
    local.get width
    i32.const 8
    i32.sub
    local.tee width
    br_if 0
  end
  local.get low
  local.get high
  f32x4.add
  local.tee low
  f32x4.extract_lane 0
  local.get low
  f32x4.extract_lane 1
  f32.add
  local.get low
  f32x4.extract_lane 2
  f32.add
  local.get low
  f32x4.extract_lane 3
  f32.add
end
`,
};

const ABOVE = {
  name: "above",
  parameters: { values: "i32", from: "i32", count: "i32", least: "f32" },
  result: "i32",
  locals: {},
  program: `
  block
    loop
      local.get from
      local.get count
      i32.ge_u
      br_if 1
      local.get values
      local.get from
      i32.const 2
      i32.shl
      i32.add
      f32.load 0
      local.get least
      f32.gt
      br_if 1
      local.get from
      i32.const 1
      i32.add
      local.set from
      br 0
    end
  end
  local.get from
end
`,
};

const FUNCTIONS = [SCAN, WEIGH, ABOVE];

const TYPES = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

// Name of an instruction: its bytes, and what its operand is.
const INSTRUCTIONS = {
  block: [[0x02, 0x40]],
  loop: [[0x03, 0x40]],
  end: [[0x0b]],
  br: [[0x0c], "number"],
  br_if: [[0x0d], "number"],
  "local.get": [[0x20], "local"],
  "local.set": [[0x21], "local"],
  "local.tee": [[0x22], "local"],
  "f32.load": [[0x2a, 2], "number"],
  "f32.store": [[0x38, 2], "number"],
  "i32.const": [[0x41], "signed"],
  "i32.lt_u": [[0x49]],
  "i32.le_s": [[0x4c]],
  "i32.ge_u": [[0x4f]],
  "f32.gt": [[0x5e]],
  "i32.add": [[0x6a]],
  "i32.sub": [[0x6b]],
  "i32.shl": [[0x74]],
  "f32.add": [[0x92]],
  "f32.mul": [[0x94]],
  "f32.convert_i32_s": [[0xb2]],
  // Alignment 0: vectors stand where they stand.
  "v128.load": [[0xfd, ...unsigned(0), 0], "number"],
  "v128.zero": [[0xfd, ...unsigned(12), ...Array(16).fill(0)]],
  "i32x4.extract_lane": [[0xfd, ...unsigned(27)], "number"],
  "f32x4.extract_lane": [[0xfd, ...unsigned(31)], "number"],
  "i16x8.extend_low_i8x16_s": [[0xfd, ...unsigned(135)]],
  "i16x8.extend_high_i8x16_s": [[0xfd, ...unsigned(136)]],
  "i32x4.extend_low_i16x8_s": [[0xfd, ...unsigned(167)]],
  "i32x4.extend_high_i16x8_s": [[0xfd, ...unsigned(168)]],
  "i32x4.add": [[0xfd, ...unsigned(174)]],
  "i32x4.dot_i16x8_s": [[0xfd, ...unsigned(186)]],
  "f32x4.add": [[0xfd, ...unsigned(228)]],
  "f32x4.mul": [[0xfd, ...unsigned(230)]],
  "f32x4.convert_i32x4_s": [[0xfd, ...unsigned(250)]],
};

const base64 = Buffer.from(assembleDotModule()).toString("base64");
if (process.argv.includes("--print")) console.log(base64);
else {
  const lines = base64.match(/.{1,120}/g).map((line) => `  "${line}",`);
  writeFileSync(
    fileURLToPath(new URL("../src/retrieval/dot-module.ts", import.meta.url)),
    `/** WebAssembly, assembled by scripts/dot-module.mjs, which is its source. */\nexport const DOT_MODULE: string = [\n${lines.join("\n")}\n].join("");\n`,
  );
}

function assembleDotModule() {
  const types = FUNCTIONS.map(({ parameters, result }) => [
    ...[0x60, ...vector(Object.values(parameters).map((type) => [TYPES[type]]))],
    ...vector(result === undefined ? [] : [[TYPES[result]]]),
  ]);
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(FUNCTIONS.map((_, index) => [index]))),
    ...section(5, vector([[0, 1]])),
    ...section(7, vector([exported("memory", 2, 0), ...FUNCTIONS.map(({ name }, index) => exported(name, 0, index))])),
    ...section(10, vector(FUNCTIONS.map(bodyOf))),
  ]);
}

function bodyOf({ parameters, locals, program }) {
  const names = [...Object.keys(parameters), ...Object.keys(locals)];
  const lines = program.split("\n").filter((line) => line.trim() !== "");
  const body = [...vector(Object.values(locals).map((type) => [1, TYPES[type]])), ...lines.flatMap((line) => instruction(line, names))];
  return [...unsigned(body.length), ...body];
}

function instruction(line, names) {
  const [name, operand] = line.trim().split(" ");
  const [bytes, kind] = INSTRUCTIONS[name];
  if (kind === undefined) return bytes;
  if (kind === "local") return [...bytes, names.indexOf(operand)];
  const number = Number(operand);
  // The two forms are the same for numbers below 64, and there are no others.
  if (!(number >= 0 && number < 64)) throw new Error(`${line}: the operand needs an encoding that is not written`);
  return [...bytes, number];
}

function section(id, content) {
  return [id, ...unsigned(content.length), ...content];
}

function vector(entries) {
  return [...unsigned(entries.length), ...entries.flat()];
}

function exported(name, kind, index) {
  return [...vector([...Buffer.from(name)].map((byte) => [byte])), kind, index];
}

/** LEB128. */
function unsigned(value) {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >> 7)];
}
