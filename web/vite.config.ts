import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The server that `npm run dev` hands what is not the app to. */
const server = process.env.CHANCERY_URL ?? "http://127.0.0.1:7300";
const proxied = ["/v1", "/gateway", "/docs", "/livez", "/readyz"];

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: {
    alias: {
      "@": at("./src"),
      // Radix locks scrolling with a package that writes <style> elements, which our policy refuses.
      "react-remove-scroll": at("./src/lib/scroll-lock.tsx"),
    },
  },
  build: {
    outDir: "dist/app",
    emptyOutDir: true,
    target: "es2023",
    // Nothing by `data:`; the policy has no exception for it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // Else each module that two pages share is a file of its own, and a page waits for a hundred of them.
          groups: [
            { name: "frame", minShareCount: 20, priority: 2 },
            { name: "shared", minShareCount: 4, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: Object.fromEntries(proxied.map((path) => [path, { target: server, changeOrigin: false }])),
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    reporters: ["default", ["junit", { outputFile: "junit/unit.xml" }]],
  },
});
