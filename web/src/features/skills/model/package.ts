/** A skill's folder as the API takes it. Pure, but for reading files. */
import type { Schema } from "@/api/client";

export const PACKAGE_BYTES = 8 * 1024 * 1024;

export interface PickedFile {
  /** Relative to the skill's folder. */
  path: string;
  bytes: Uint8Array;
  executable: boolean;
}

/** Browsers give the chosen folder's own name as the first part of each path. */
export function withoutFolder(path: string): string {
  const at = path.indexOf("/");
  return at < 0 ? path : path.slice(at + 1);
}

/** Version control, and what editors and systems leave behind. */
export const isHidden = (path: string) => path.split("/").some((part) => part.startsWith("."));

/** A script says by `#!` that it is one; browsers don't say which files can be executed. */
export const looksExecutable = (bytes: Uint8Array) => bytes[0] === 0x23 && bytes[1] === 0x21;

export async function filesOf(chosen: Iterable<File>): Promise<{ files: PickedFile[]; leftOut: number }> {
  const files: PickedFile[] = [];
  let leftOut = 0;
  for (const file of chosen) {
    const path = withoutFolder(file.webkitRelativePath || file.name);
    if (isHidden(path)) {
      leftOut += 1;
      continue;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    files.push({ path, bytes, executable: looksExecutable(bytes) });
  }
  return { files: files.toSorted((a, b) => a.path.localeCompare(b.path)), leftOut };
}

export const sizeOf = (files: readonly PickedFile[]) => files.reduce((sum, it) => sum + it.bytes.length, 0);

const CHUNK = 0x8000;

export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK)
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}

export const packed = (files: readonly PickedFile[]): Schema<"NewFile">[] =>
  files.map(({ path, bytes, executable }) => ({ path, content_base64: base64(bytes), executable }));
