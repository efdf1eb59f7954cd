import { existsSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import { LearnError } from "../base/error.ts";
import { printable } from "../base/text.ts";
import { readCertificates } from "../knowledge/certificate.ts";
import type { OnlineRecord, Validation } from "../knowledge/knowledge-item.ts";
import { type Recheck, recheck } from "../knowledge/recheck.ts";
import { type StoredUnits, storedUnits } from "../knowledge/recheck-online.ts";
import { everyRun } from "../learner/effects.ts";
import type { Store } from "../store/ports.ts";
import { contextOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
import { paint } from "./terminal.ts";

export function addVerifyCertificate(program: Command): void {
  program
    .command("verify-certificate <idOrFile>")
    .description("compute what a certificate says again from its pairs, or its live runs; of an item, of a certificate, or in a JSON file")
    .action(async (idOrFile: string, _options: object, command: Command) => {
      const { terminal, withStore } = contextOf(command);
      const checked = existsSync(idOrFile)
        ? readCertificates(readFileSync(idOrFile, "utf8"), idOrFile).map((certificate) => ({ certificate, ...recheck(certificate) }))
        : await withStore(async (store) => await checkedIn(store, await named(store, idOrFile)), { drain: false });
      const ok = checked.every((entry) => entry.ok);
      const shown = checked.map(({ certificate, ...result }) => ({
        id: certificate.id,
        itemId: certificate.itemId,
        ...result,
        certificate,
      }));
      terminal.result("agentlearn.verify-certificate/v1", { ok, checked: shown }, () => checked.map(text).join("\n"));
      if (!ok) process.exitCode = EXIT.failure;
    });
}

/** Certificates of that id or of the item of that id; ids may be unique prefixes. */
async function named(store: Store, id: string): Promise<readonly Validation[]> {
  const all = await store.validations();
  const own = all.filter((certificate) => certificate.id === id || (id.length >= 4 && certificate.id.startsWith(id)));
  if (own.length === 1) return own;
  if (own.length > 1)
    throw new LearnError("conflict", `${own.length} certificates have ids that begin with ${id}`, { hint: "write more of it" });
  const item = await store.getKnowledgeItem(id);
  const ofItem = all.filter((certificate) => certificate.itemId === item.id);
  if (ofItem.length > 0) return ofItem;
  throw new LearnError("not-found", `item ${item.id.slice(0, 8)} has no certificate: it was never tested, and nobody vouched for it`, {
    hint: "agentlearn learn --agent ./agent.mjs:run",
  });
}

interface Checked extends Recheck {
  readonly certificate: Validation;
  /** Of a trial on live runs that ended: what the runs say that are stored now. Absent where no store was asked. */
  readonly stored?: StoredUnits;
}

/** Where the store is at hand, trials are computed again from its runs too. */
async function checkedIn(store: Store, certificates: readonly Validation[]): Promise<readonly Checked[]> {
  const checked: Checked[] = [];
  for (const certificate of certificates) {
    const { itemId, online } = certificate;
    const { ok, problems } = recheck(certificate);
    if (online?.endedAtUs === undefined) {
      checked.push({ certificate, ok, problems });
      continue;
    }
    const stored = storedUnits(online, await everyRun(store, { itemId, sinceUs: online.startedAtUs }));
    const other = stored.other === 0 ? [] : [`${stored.other} units are of another arm or probability in the store`];
    checked.push({ certificate, ok: ok && stored.other === 0, problems: [...problems, ...other], stored });
  }
  return checked;
}

function storedLine({ same, judgedSince, gone, other }: StoredUnits): string {
  const parts = [
    `${same} of ${same + judgedSince + gone + other} units are the same in the store`,
    ...(judgedSince === 0 ? [] : [`${judgedSince} were judged otherwise since`]),
    ...(gone === 0 ? [] : [`${gone} are not stored any more`]),
  ];
  return paint(judgedSince + gone === 0 ? "dim" : "yellow", `  ${parts.join(", ")}`);
}

function text({ certificate, ok, problems, stored }: Checked): string {
  const { id, itemId, kind, decision, reason, cases, rounds = 1, alphaAllotted, position, rule = 1, online } = certificate;
  const head = `${ok ? paint("green", "follows") : paint("red", "does not follow")}  ${printable(id.slice(0, 8))}  ${kind} ${printable(decision)} of item ${printable(itemId.slice(0, 8))}`;
  const test = `test ${position} of the stream, alpha ${alphaAllotted.toPrecision(3)}, ${cases} cases, ${rounds} ${rounds === 1 ? "round" : "rounds"}, rule ${rule}`;
  return [
    head,
    `  ${printable(reason)}`,
    ...(kind === "statistical" ? [paint("dim", `  ${test}${versions(certificate)}`)] : []),
    ...(online === undefined ? [] : [paint("dim", `  ${trialText(certificate, online)}${versions(certificate)}`)]),
    ...(stored === undefined ? [] : [storedLine(stored)]),
    ...problems.map((problem) => `  ${paint("red", "-")} ${printable(problem)}`),
  ].join("\n");
}

function trialText(
  { position, alphaAllotted, cases, rule = 1 }: Validation,
  { startedAtUs, endedAtUs, share, exposures }: OnlineRecord,
): string {
  const window = `${dayOf(startedAtUs)} to ${endedAtUs === undefined ? "now" : dayOf(endedAtUs)}`;
  const test = `trial ${position} of the stream, alpha ${alphaAllotted.toPrecision(3)}, share ${share}, ${window}`;
  return `${test}, ${cases} judged units, ${exposures ?? 0} runs given, rule ${rule}`;
}

function dayOf(atUs: number): string {
  return new Date(atUs / 1000).toISOString();
}

function versions({ runner, packageVersion, seed }: Validation): string {
  const parts = [
    ...(runner === undefined ? [] : [`runner ${printable(String(runner))}`]),
    ...(packageVersion === undefined ? [] : [`agentlearn ${printable(String(packageVersion))}`]),
    ...(seed === undefined ? [] : [`seed ${printable(String(seed).slice(0, 8))}`]),
  ];
  return parts.map((part) => `, ${part}`).join("");
}
