import { defineConfig } from "@playwright/test";

/** The tests in a browser, against the server that `CHANCERY_BIN` names; see `e2e/server.ts`. */
export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  snapshotPathTemplate: "{testDir}/{testFileName}-snapshots/{arg}{ext}",
  fullyParallel: false,
  workers: 1,
  retries: 0,
  // axe looks at whole pages, twice.
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], ["junit", { outputFile: "junit/browser.xml" }]],
  use: {
    browserName: "chromium",
    launchOptions: { executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] },
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
    contextOptions: { reducedMotion: "reduce" },
    trace: "retain-on-failure",
  },
});
