import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/tsmu/server/page",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the server's content security policy runs nothing inline
    license: { fileName: "licenses.md" }, // of the libraries that are bundled
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000, // kB; MapLibre
  },
  worker: { format: "es" },
});
