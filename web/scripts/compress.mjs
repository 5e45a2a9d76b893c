// Puts what each built file is under gzip and brotli beside it; crates/web/build.rs embeds all three.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder = "dist/app";
const worthwhile = /\.(js|css|html|svg|json|txt|webmanifest)$/;

// For the budget only, which has read it or will; browsers need no list of our chunks.
const manifest = readFileSync(join(folder, "manifest.json"));
writeFileSync("dist/manifest.json", manifest);
rmSync(join(folder, "manifest.json"));

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !worthwhile.test(path)) continue;
  const plain = readFileSync(path);
  const text = { [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT };
  const forms = { gz: gzipSync(plain, { level: 9 }), br: brotliCompressSync(plain, { params: text }) };
  for (const [kind, bytes] of Object.entries(forms)) {
    if (bytes.length < plain.length * 0.9) writeFileSync(`${path}.${kind}`, bytes);
  }
}
