/** Batches of the other end. */

import type { Feature, Message } from "./core.js";
import { member } from "./raw.js";
import { errorText, kindText, type Reply } from "./serving.js";

/** How many members a batch may have. */
const MOST = 100;

/** Means nothing. */
const REFUSED = { jsonrpc: "2.0", method: "$/refused" };

/**
 * Answers the requests of a batch together: one message, in the order of the requests, when all answers are there.
 * A peer without this feature answers each by itself.
 */
export const batchAnswers: Feature = ({ _core: core }) => {
  const reply = core._serving._reply;
  core._gather = (batch) => {
    const answers: string[] = [];
    const afters: (() => void)[] = [];
    let open = 1;
    let length = 0;
    const send = (): void => {
      if (--open > 0 || answers.length === 0) return;
      reply(`[${answers.join(",")}]`, () => afters.forEach((after) => after()));
    };
    const owe = (): Reply => {
      open++;
      const at = answers.push("") - 1;
      return (answer, after) => {
        length += answer.length + 1;
        if (length > core._limits.messageOut) {
          answer = kindText(member(String(answer), "id")!, -32011, "answer_too_big");
        }
        answers[at] = String(answer);
        if (after) afters.push(after);
        send();
      };
    };
    if (batch.length > MOST) {
      // No request runs, and one error stands for all.
      const isRequest = (message: unknown): boolean =>
        typeof (message as Message | null)?.["method"] === "string" && "id" in (message as Message);
      if (batch.some(isRequest)) {
        const data = { kind: "batch_too_big", max: MOST };
        reply(errorText("null", -32010, data.kind, data));
        batch.forEach((message, at) => isRequest(message) && (batch[at] = REFUSED));
      }
    }
    return { _owe: owe, _send: send };
  };
};
