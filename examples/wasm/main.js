// Loads the program; what drives the page finds it at `rust`.
import init, * as rust from "./page.js";

await init({ module_or_path: new URL("page_bg.wasm", import.meta.url) });
globalThis.rust = rust;
