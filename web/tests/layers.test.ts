import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { test } from "node:test";

const SOURCES = resolve(import.meta.dirname, "../src");
/** Folders and files of src in the order in which they may import each other: each only itself and those before it. */
const LAYERS = ["lib", "server", "state.ts", "map", "review", "panels", "main.ts"];

const layerOf = (file: string): number => LAYERS.indexOf(relative(SOURCES, file).split(sep)[0] ?? "");

/** The files of src that a file imports. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const paths = [...text.matchAll(/(?:from|import) "(\.{1,2}\/[^"]+)"/g)].map(([, path]) => path ?? "");
  return paths.map((path) => resolve(dirname(file), path));
}

test("each folder imports only those before it", () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
  assert.ok(files.length > 30);
  for (const file of files.map((name) => join(SOURCES, name))) {
    assert.ok(layerOf(file) >= 0, `${file}: in no layer`);
    for (const imported of importsOf(file))
      assert.ok(
        layerOf(imported) <= layerOf(file),
        `${relative(SOURCES, file)} imports ${relative(SOURCES, imported)}`,
      );
  }
});
