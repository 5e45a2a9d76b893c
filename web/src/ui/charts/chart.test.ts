import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { barAt, ticks } from "./chart";

type Three = [number, number, number];

function linear([L, C, hue]: Three): Three {
  const [a, b] = [C * Math.cos((hue * Math.PI) / 180), C * Math.sin((hue * Math.PI) / 180)];
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((it) => Math.min(1, Math.max(0, it))) as Three;
}

function oklab([r, g, b]: Three): Three {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** How people see who lack one kind of cone, by Machado, Oliveira and Fernandes (2009). */
const sights: Record<string, [Three, Three, Three]> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

const seen = (by: [Three, Three, Three], colour: Three) =>
  by.map((row) =>
    Math.min(1, Math.max(0, row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2])),
  ) as Three;
const luminance = ([r, g, b]: Three) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const distance = (a: Three, b: Three) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** The colours of both themes, light first, as they stand in the tokens. */
function tokens(name: RegExp): Three[] {
  const css = readFileSync("src/styles/tokens.css", "utf8");
  return [...css.matchAll(/--([\w-]+): oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)/g)]
    .filter((it) => name.test(it[1] ?? ""))
    .map((it) => [Number(it[2]), Number(it[3]), Number(it[4])]);
}

test.each([
  ["light", 0],
  ["dark", 1],
])("colours of charts are told apart in the %s theme, whoever looks", (_, theme) => {
  const all = tokens(/^chart-/);
  expect(all).toHaveLength(14);
  const colours = all.slice(theme * 7, theme * 7 + 7).map(linear);
  const surface = luminance(linear(tokens(/^surface$/)[theme] as Three));
  for (const colour of colours) {
    const [high, low] = [luminance(colour), surface].toSorted((a, b) => b - a) as [number, number];
    expect((high + 0.05) / (low + 0.05)).toBeGreaterThan(3);
  }
  for (const [name, by] of Object.entries(sights)) {
    const labs = colours.map((it) => oklab(seen(by, it)));
    for (const [at, one] of labs.entries()) {
      for (const [other, it] of labs.entries()) {
        if (other > at) expect(distance(one, it), `${name}: ${at + 1} and ${other + 1}`).toBeGreaterThan(0.1);
      }
    }
  }
});

test("a place of the pointer is a bar, the nearest beside all of them", () => {
  const at = [-40, 0, 99, 100, 299, 300, 900].map((distance) => barAt(distance, 300, 3));
  expect(at).toEqual([0, 0, 0, 1, 2, 2, 2]);
  expect(barAt(5, 0, 3)).toBe(0);
});

test("an axis has a few round marks", () => {
  expect(ticks(0)).toEqual([0]);
  expect(ticks(1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks(7)).toEqual([0, 2, 4, 6, 8]);
  expect(ticks(0.0042)).toEqual([0, 0.001, 0.002, 0.003, 0.004, 0.005]);
  expect(ticks(1_234_567).at(-1)).toBe(1_250_000);
});
