// What an editor does with a language server of ours, by the connection of a library.

const { askedBack, assert, check, failure } = require("./checks.cjs");

const URI = "file:///notes.txt";

/** All checks. `rpc` is the `vscode-jsonrpc` that has made the connection `editor`. */
async function edits(peer, editor, rpc) {
  const test = (name, run) => check(peer, name, run);
  const command = (...given) => editor.sendRequest("workspace/executeCommand", ...given);

  await test("is asked and told while its calls are in flight", async () => {
    editor.onRequest("caller_confirm", () => true);
    const call = (method, params) => editor.sendRequest(method, ...params);
    assert.deepStrictEqual(await askedBack(call), { answered: true });
  });
  await test("initializes, with all that editors send", async () => {
    const { capabilities } = await editor.sendRequest("initialize", {
      processId: process.pid,
      clientInfo: { name: "pen", version: "1.0.0" },
      locale: "en",
      rootPath: null,
      rootUri: null,
      capabilities: { workspace: { applyEdit: true }, window: { workDoneProgress: true } },
      initializationOptions: { tabs: 4 },
      trace: "off",
      workspaceFolders: null,
    });
    assert.strictEqual(capabilities.hoverProvider, true);
    assert.strictEqual(capabilities.experimental.greeting, "hello, pen");
    await editor.sendNotification("initialized", {});
  });
  await test("sets the trace, and hears it ($/setTrace, $/logTrace)", async () => {
    const heard = new Promise((resolve) => {
      const log = (text) => text.startsWith("trace is") && resolve(text);
      editor.trace(rpc.Trace.Verbose, { log }, { sendNotification: true });
    });
    assert.strictEqual(await heard, "trace is verbose");
    await editor.trace(rpc.Trace.Off, { log() {} });
  });
  await test("opens a document and hears its diagnostics", async () => {
    const heard = new Promise((resolve) => editor.onNotification("textDocument/publishDiagnostics", resolve));
    const text = "first line\nteh second\n";
    const textDocument = { uri: URI, languageId: "plaintext", version: 1, text };
    await editor.sendNotification("textDocument/didOpen", { textDocument });
    const { uri, version, diagnostics } = await heard;
    assert.deepStrictEqual([uri, version, diagnostics.length], [URI, 1, 1]);
    assert.deepStrictEqual(diagnostics[0].range.start, { line: 1, character: 0 });
  });
  await test("hovers", async () => {
    const at = (line, character) =>
      editor.sendRequest("textDocument/hover", { textDocument: { uri: URI }, position: { line, character } });
    assert.deepStrictEqual(await at(0, 7), { contents: "`line`: 4 letters" });
    assert.strictEqual(await at(9, 0), null);
  });
  await test("errors keep their code", async () => {
    assert.strictEqual((await failure(command({ command: "nonsense" }))).code, -32602);
    assert.strictEqual((await failure(editor.sendRequest("textDocument/nonsense", {}))).code, -32601);
  });
  await test("is asked for an edit inside its command, and hears its progress", async () => {
    const edits = [];
    const steps = [];
    editor.onRequest("workspace/applyEdit", ({ edit }) => {
      edits.push(edit.changes[URI][0].newText);
      return { applied: true };
    });
    editor.onProgress(new rpc.ProgressType(), "t1", (step) => steps.push(step.kind));
    const params = { command: "capitals", arguments: [URI], workDoneToken: "t1" };
    assert.strictEqual(await command(params), true);
    assert.deepStrictEqual([edits, steps], [["FIRST LINE"], ["begin", "report", "end"]]);
  });
  await test("its errors reach the server", async () => {
    editor.onRequest("workspace/applyEdit", () => new rpc.ResponseError(9, "read only", { why: 1 }));
    const { code, message, data } = await failure(command({ command: "capitals", arguments: [URI] }));
    assert.deepStrictEqual([code, message, data], [9, "read only", { why: 1 }]);
  });
  await test("cancels", async () => {
    const source = new rpc.CancellationTokenSource();
    const waiting = command({ command: "wait" }, source.token);
    source.cancel();
    assert.strictEqual((await failure(waiting)).code, -32800);
  });
  await test("is cancelled", async () => {
    const source = new rpc.CancellationTokenSource();
    const cancelled = new Promise((resolve) => {
      editor.onRequest("workspace/applyEdit", (_, token) => {
        token.onCancellationRequested(resolve);
        // The command, which waits for this one, is stopped, and so cancels the call it made.
        source.cancel();
        return new Promise(() => {});
      });
    });
    const call = command({ command: "capitals", arguments: [URI] }, source.token);
    assert.strictEqual((await failure(call)).code, -32800);
    await cancelled;
  });
  await test("shuts down and exits", async () => {
    assert.strictEqual(await editor.sendRequest("shutdown"), null);
    await editor.sendNotification("exit");
  });
}

module.exports = { edits };
