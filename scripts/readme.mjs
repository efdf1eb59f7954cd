/** Writes the configuration reference of README.md from the schema: `npm run readme`. The figures have their own way: `npm run figures -- --write`. */
import { readFile, writeFile } from "node:fs/promises";
import { describeConfig } from "../dist/src/config/config.js";
import { configTable, replaceBetween } from "./readme-tables.mjs";

const page = await readFile("README.md", "utf8");
await writeFile("README.md", replaceBetween(page, "config", configTable(describeConfig())));
