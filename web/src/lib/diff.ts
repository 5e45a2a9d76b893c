/** The difference of two texts, line by line, as people read it. Pure. */

export interface Line {
  kind: "same" | "added" | "removed";
  text: string;
}

/** Texts of more lines than this are shown as taken out and put in; comparing them would take too long. */
const LINES_MAX = 2000;

export function diffLines(before: string, after: string): Line[] {
  const a = before === "" ? [] : before.split("\n");
  const b = after === "" ? [] : after.split("\n");
  if (a.length * b.length > LINES_MAX * LINES_MAX) return [...all("removed", a), ...all("added", b)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end])
    end += 1;
  const middle = between(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return [...all("same", a.slice(0, start)), ...middle, ...all("same", a.slice(a.length - end))];
}

const all = (kind: Line["kind"], lines: string[]): Line[] => lines.map((text) => ({ kind, text }));

/** A stretch of lines that stay as they were, of which only the number is of interest. */
export interface Fold {
  kind: "fold";
  count: number;
}

/** Leaves out what is far from any change, so that a change in a long text is seen at once. */
export function folded(lines: readonly Line[], around = 3): (Line | Fold)[] {
  const isNear = lines.map(() => false);
  lines.forEach((line, at) => {
    if (line.kind !== "same") isNear.fill(true, Math.max(0, at - around), at + around + 1);
  });
  const shown: (Line | Fold)[] = [];
  lines.forEach((line, at) => {
    const last = shown.at(-1);
    if (isNear[at]) shown.push(line);
    else if (last?.kind === "fold") last.count += 1;
    else shown.push({ kind: "fold", count: 1 });
  });
  return shown;
}

/** By the longest common subsequence. */
function between(a: string[], b: string[]): Line[] {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (row: number, column: number) => longest[row * width + column] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: "same", text: a[i] ?? "" });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: "removed", text: a[i] ?? "" });
      i += 1;
    } else {
      lines.push({ kind: "added", text: b[j] ?? "" });
      j += 1;
    }
  }
  return lines;
}
