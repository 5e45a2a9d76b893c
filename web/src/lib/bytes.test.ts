import { expect, test } from "vitest";
import { bytes, parseBytes, typedBytes } from "./bytes";

test("bytes are read as they are written", () => {
  expect([0, 512, 1024, 1_572_864, 21_474_836_480].map(bytes)).toEqual([
    "0 B",
    "512 B",
    "1 KiB",
    "1.5 MiB",
    "20 GiB",
  ]);
  expect(["500 MiB", "1.5GB", "10", "", "1,024 b"].map(parseBytes)).toEqual([
    524_288_000,
    1_500_000_000,
    10,
    null,
    1024,
  ]);
  for (const bad of ["much", "-1", "1 TB", "1 MiBs"]) expect(parseBytes(bad), bad).toBeUndefined();
  for (const amount of [0, 1, 1000, 1024, 1_500_000, 3 * 1024 ** 3])
    expect(parseBytes(typedBytes(amount))).toBe(amount);
});
