// Fails when what a first visit loads of script is more than the budget: the entry and everything that
// it imports at once, under gzip, which is what a browser gets without HTTPS.
import { existsSync, readFileSync, statSync } from "node:fs";

const budgetKib = 250;
const manifest = JSON.parse(readFileSync("dist/manifest.json", "utf8"));
const size = (file) => {
  const path = `dist/app/${file}`;
  return statSync(existsSync(`${path}.gz`) ? `${path}.gz` : path).size;
};

const seen = new Set();
const visit = (name) => {
  const chunk = manifest[name];
  if (!chunk || seen.has(chunk.file)) return;
  seen.add(chunk.file);
  for (const next of chunk.imports ?? []) visit(next);
};
const entries = Object.keys(manifest).filter((name) => manifest[name].isEntry);
// With the frame around every page, which nobody sees a page without.
for (const entry of [...entries, "src/app/shell/Shell.tsx"]) visit(entry);

const first = [...seen].reduce((sum, file) => sum + size(file), 0);
const scripts = [...new Set(Object.values(manifest).map((chunk) => chunk.file))].filter((it) =>
  it.endsWith(".js"),
);
const all = scripts.reduce((sum, file) => sum + size(file), 0);
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
console.log(
  `script under gzip: ${kib(first)} at first (of ${budgetKib}), ${kib(all)} in ${scripts.length} chunks`,
);
if (seen.size === 0) throw new Error("the manifest names no entry");
if (first > budgetKib * 1024) {
  console.error(`the first load is over its budget of ${budgetKib} KiB`);
  process.exit(1);
}
