/** Writes the configuration reference of README.md from the schema: `npm run readme`. The figures have their own way: `npm run figures -- --write`. */
import { describeConfig } from "../dist/src/config/describe-config.js";
import { configTable, writeBetween } from "./readme-tables.mjs";

writeBetween("config", configTable(describeConfig()));
