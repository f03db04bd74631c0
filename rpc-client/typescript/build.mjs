// Builds the package: one ES module, its declarations and its source map.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
rmSync(new URL("dist", import.meta.url), { recursive: true, force: true });
await build({
  absWorkingDir: here,
  entryPoints: ["src/index.ts"],
  outfile: "dist/index.js",
  bundle: true,
  format: "esm",
  target: "es2022",
  sourcemap: true,
  // Constants stand where they are used.
  minifySyntax: true,
  // Members that begin so are of the package alone. No bundler of a user can know that, so they get short names here;
  // all else is left to that bundler, and the source map tells the names.
  mangleProps: /^_[a-z]/,
  // A program may extend `Client`, and a short name could meet one of its own.
  reserveProps: /^_(core|isFirst)$/,
});
execFileSync("node", ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], { cwd: here, stdio: "inherit" });
