// One line per promise; the first broken one ends the run.

import { promiseTimeoutMs } from './chain.mjs';

let kept = 0;
const undo = [];

/** Registers what must be closed before the process can end (sockets, watchers). */
export function onEnd(close) {
  undo.push(close);
}

/** Runs `body`, prints whether the promise in `words` is kept and passes its value on. */
export async function promise(words, body) {
  const started = performance.now();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${promiseTimeoutMs} ms`)), promiseTimeoutMs);
  });
  try {
    const value = await Promise.race([body(), late]);
    kept += 1;
    console.log(`ok ${kept} - ${words} (${Math.round(performance.now() - started)} ms)`);
    return value;
  } catch (error) {
    console.log(`not ok ${kept + 1} - ${words}`);
    console.log(indented(error?.stack ?? String(error)));
    if (error?.info) console.log(indented(JSON.stringify(error.info, bigintAsText)));
    process.exit(1);
  } finally {
    clearTimeout(timer);
  }
}

/** Fails the running promise unless the two are the same. */
export function same(found, expected, what) {
  if (found !== expected) throw new Error(`${what}: found ${String(found)}, expected ${String(expected)}`);
}

/** Fails the running promise unless `text` contains `part`. */
export function contains(text, part, what) {
  if (!String(text).includes(part)) throw new Error(`${what}: expected "${part}" in: ${String(text)}`);
}

/** Closes what was opened and ends the process with the count of kept promises. */
export async function end(client) {
  for (const close of undo.reverse()) await close();
  console.log(`${client}: ${kept} promises kept`);
  process.exit(0);
}

function indented(text) {
  return text.split('\n').map((line) => `    ${line.slice(0, 300)}`).join('\n');
}

function bigintAsText(_key, value) {
  return typeof value === 'bigint' ? value.toString() : value;
}
