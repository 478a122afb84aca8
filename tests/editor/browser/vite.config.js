import { defineConfig } from "vite";

export default defineConfig({
    build: { target: "esnext", minify: false, sourcemap: false, reportCompressedSize: false, chunkSizeWarningLimit: 100_000 },
    worker: { format: "es" },
    logLevel: "warn",
});
