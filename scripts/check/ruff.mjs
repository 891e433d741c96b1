// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Run ruff's WebAssembly build, which cannot read files: ruff.mjs MODULE OPTIONS FILE...
// MODULE is the folder of the package; OPTIONS is ruff.toml as JSON. Prints FILE:ROW:COLUMN: CODE MESSAGE.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [module, options, ...files] = process.argv.slice(2);
const { PositionEncoding, Workspace } = createRequire(import.meta.url)(resolve(module, "ruff_wasm.js"));
const workspace = new Workspace(JSON.parse(options), PositionEncoding.Utf32);
let findings = 0;

for (const file of files) {
	for (const { code, message, start_location: at } of workspace.check(readFileSync(file, "utf8"))) {
		console.log(`${file}:${at.row}:${at.column}: ${code ?? "syntax"} ${message}`);
		findings++;
	}
}
process.exit(findings > 0 ? 1 : 0);
