import { defineConfig } from "@playwright/test";
import base from "./playwright.config";

/** What uses the browser and is no test: the pictures of the documentation, and figures. */
export default defineConfig(base, {
  testDir: "tools",
  testMatch: "*.tool.ts",
  timeout: 600_000,
  reporter: [["line"]],
  // A picture is written anew when more of it changed than times and ids.
  snapshotPathTemplate: "../docs/images/{arg}{ext}",
  updateSnapshots: "changed",
  use: { trace: "off" },
});
