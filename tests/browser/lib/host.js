// The local host under test: the built binary, started empty and ended with the test that asked for it. A test has the world and its clock to
// itself that way, and a start costs half a second.
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
const BINARY = path.resolve(REPOSITORY, process.env.LETHE_HOST_BINARY ?? "target/debug/local");
const PORT = 18280;
const LONGEST_START = 30_000;
/** How much of what the host wrote is told if it does not start. */
const TOLD = 2_000;

/** Where the functions are. */
export const APP = `http://127.0.0.1:${PORT}`;
/** Where the small Jira is. */
export const JIRA = `http://localhost:${PORT + 1}`;
/** Where the parts of large files go. */
export const S3 = `http://127.0.0.1:${PORT + 2}`;

/** Keeps the key that the played Atlassian signs with, so that only the first start makes one. */
let folder;

/** Starts a host without any state; `stop` ends it. */
export async function start() {
  folder ??= await mkdtemp(path.join(tmpdir(), "lethe-browser-"));
  const host = spawn(BINARY, ["--fresh", "--port", String(PORT), "--folder", folder], { cwd: REPOSITORY, stdio: ["ignore", "pipe", "pipe"] });
  let written = "";
  const spoke = new EventEmitter();
  for (const stream of [host.stdout, host.stderr]) {
    stream.setEncoding("utf8").on("data", (piece) => {
      written = (written + piece).slice(-TOLD);
      spoke.emit("more");
    });
  }
  const exited = new Promise((resolve) => host.once("exit", resolve).once("error", resolve));
  const stop = async () => {
    if (host.exitCode === null && host.kill()) await exited;
  };
  const failed = exited.then((code) => Promise.reject(new Error(`it ended with ${code}`)));
  try {
    await Promise.race([failed, ready(spoke, () => written)]);
  } catch (cause) {
    await stop();
    throw new Error(`cannot start ${BINARY}: ${cause.message}; run "cargo build" first\n${written}`);
  }
  return { stop };
}

/** Verifies a certificate as anybody can, with no host: the exit code, and all that was written. */
export async function verify(...args) {
  const verifier = spawn(BINARY, ["verify", ...args], { cwd: REPOSITORY, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, [code]] = await Promise.all([verifier.stdout.toArray(), verifier.stderr.toArray(), once(verifier, "close")]);
  return { code, written: Buffer.concat([...out, ...err]).toString() };
}

/** Waits until the host says where it is, and until it answers there. */
async function ready(spoke, written) {
  const signal = AbortSignal.timeout(LONGEST_START);
  while (!written().includes(JIRA)) await once(spoke, "more", { signal });
  const answer = await fetch(JIRA, { signal });
  if (!answer.ok) throw new Error(`${JIRA} answers ${answer.status}`);
  await answer.text();
}

/** Removes what the hosts kept. */
export async function clear() {
  if (folder) await rm(folder, { recursive: true, force: true });
}
