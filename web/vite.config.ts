/** How the shopper's page is built into dist/web, and served while it is developed. */
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** A running `sdfn serve`, asked by the page under development. */
const service = process.env.SDFN_SERVICE ?? "http://127.0.0.1:8080";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    // The service's content security policy allows no data: scripts or styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The notices that the licences of what is bundled ask for; the page links to them.
    license: { fileName: "licences.txt" },
  },
  server: { proxy: { "/v1": service, "/docs": service, "/openapi.json": service } },
});
