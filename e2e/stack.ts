// The four real services on free ports with fresh databases, one key and one session secret: what `make run` gives.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A service's binary, and the variable by which the others link to its pages. */
export const SERVICES = {
  errors: { binary: "error-tracker", page: "ERROR_TRACKER_PAGE" },
  logs: { binary: "log-viewer", page: "LOG_VIEWER_PAGE" },
  metrics: { binary: "metrics-collector", page: "METRICS_COLLECTOR_PAGE" },
  browser: { binary: "browser-relay", page: "BROWSER_RELAY_PAGE" },
} as const;

export type Name = keyof typeof SERVICES;
export const NAMES = Object.keys(SERVICES) as Name[];

/** The key of every stack. Odd enough to be looked for where it must not be. */
export const KEY = "mk_e2e_Pa0mWq7Zt3Ld9XcVb5Rn1Ks8Jf4Hy6Gu2";
const SESSION_SECRET = "e2e session secret, 32 bytes or more of it";

/** Only a hang ever takes these. */
const START_MS = 60_000;
const STOP_MS = 60_000;
/** How often a stack is started whose ports somebody else took in between. */
const ATTEMPTS = 5;

/** If this process dies of something else, no service stays behind. */
const children = new Set<ChildProcess>();
process.once("exit", () => children.forEach((child) => child.kill("SIGKILL")));

/** One running service. */
export class Service {
  /** Everything it printed. */
  log = "";

  private constructor(
    readonly name: Name,
    /** `http://127.0.0.1:port`, without a slash at the end. */
    readonly url: string,
    private readonly variables: Record<string, string>,
    private readonly child: ChildProcess,
  ) {}

  /** Starts it, and waits until it says that it listens. */
  static async start(name: Name, port: number, folder: string, variables: Record<string, string>): Promise<Service> {
    const env = { ...variables, LISTEN_ADDR: `127.0.0.1:${port}`, DATABASE_PATH: join(folder, `${name}.db`) };
    const child = spawn(binary(name), { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    children.add(child);
    const service = new Service(name, `http://127.0.0.1:${port}`, env, child);
    await service.listening();
    return service;
  }

  /** Runs a command of the same binary with the same settings. Returns what it says. */
  command(...words: string[]): string {
    return execFileSync(binary(this.name), words, { env: this.variables, encoding: "utf8" });
  }

  /** SIGTERM; it must end by itself, and well. */
  async stop(): Promise<void> {
    const ended = once(this.child, "exit");
    const hung = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS);
    this.child.kill("SIGTERM");
    const [code, signal] = await ended;
    clearTimeout(hung);
    assert.equal(code, 0, `${this.name} ended with ${code ?? signal} after SIGTERM:\n${this.log}`);
  }

  private listening(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${this.name} ${why}:\n${this.log}`));
      const hung = setTimeout(() => fail("does not listen"), START_MS);
      const read = (chunk: Buffer) => {
        this.log += chunk;
        if (!this.log.includes(`listening on ${this.url}`)) return;
        clearTimeout(hung);
        resolve();
      };
      this.child.stdout?.on("data", read);
      this.child.stderr?.on("data", read);
      this.child.on("error", (error) => fail(String(error)));
      // Not at `exit`: what it said last may come after that.
      this.child.on("close", (code) => fail(`ended with ${code}`));
    });
  }
}

/** Environment variables: the same for all four, or told for each. */
export type Variables = Record<string, string> | ((name: Name) => Record<string, string>);

/** All four. */
export class Stack {
  private constructor(
    private readonly services: ReadonlyMap<Name, Service>,
    /** Where everything of it is kept; goes with it. */
    readonly folder: string,
  ) {}

  /** `variables` are for all services, or each service's own, on top of those of every stack. */
  static async start(variables: Variables = {}): Promise<Stack> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await Stack.attempt(variables);
      } catch (error) {
        if (attempt === ATTEMPTS || !/already in use/.test(String(error))) throw error;
      }
    }
  }

  private static async attempt(variables: Variables): Promise<Stack> {
    const folder = await mkdtemp(join(tmpdir(), "monlight-e2e-"));
    const ports = await freePorts();
    const common: Record<string, string> = {
      PATH: process.env["PATH"] ?? "",
      API_KEY: KEY,
      ADMIN_API_KEY: KEY,
      SESSION_SECRET,
      RATE_LIMIT: "0",
    };
    for (const name of NAMES) common[SERVICES[name].page] = `http://127.0.0.1:${ports[name]}/`;
    // Not this machine's own containers.
    const of: Partial<Record<Name, Record<string, string>>> = {
      logs: { LOG_SOURCES: join(folder, "containers") },
      browser: forwards(ports),
    };
    const asked = (name: Name) => (typeof variables === "function" ? variables(name) : variables);
    const own = (name: Name) => ({ ...common, ...of[name], ...asked(name) });
    const starts = await Promise.allSettled(NAMES.map((name) => Service.start(name, ports[name], folder, own(name))));
    const started = starts.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
    const stack = new Stack(new Map(started.map((service) => [service.name, service])), folder);
    const failed = starts.find((it) => it.status === "rejected");
    if (!failed) return stack;
    await stack.stop();
    throw failed.reason;
  }

  service(name: Name): Service {
    const service = this.services.get(name);
    assert.ok(service);
    return service;
  }

  /** An address of a service: `url("errors", "errors/1")`. */
  url(name: Name, path = ""): string {
    return `${this.service(name).url}/${path}`;
  }

  /** `host:port` of all four: the only hosts that a page may ask for anything. */
  hosts(): string[] {
    return [...this.services.values()].map((service) => new URL(service.url).host);
  }

  /** What all of them printed. */
  logs(): string {
    return [...this.services.values()].map((service) => service.log).join("");
  }

  async stop(): Promise<void> {
    try {
      await Promise.all([...this.services.values()].map((service) => service.stop()));
    } finally {
      await rm(this.folder, { recursive: true, force: true });
    }
  }
}

/** Where the relay sends what browsers report. */
function forwards(ports: Record<Name, number>): Record<string, string> {
  const url = (name: Name) => `http://127.0.0.1:${ports[name]}`;
  return {
    ERROR_TRACKER_URL: url("errors"),
    ERROR_TRACKER_API_KEY: KEY,
    METRICS_COLLECTOR_URL: url("metrics"),
    METRICS_COLLECTOR_API_KEY: KEY,
    LOG_VIEWER_URL: url("logs"),
    LOG_VIEWER_API_KEY: KEY,
  };
}

function binary(name: Name): string {
  const folder = process.env["MONLIGHT_BIN"] ?? fileURLToPath(new URL("../target/debug", import.meta.url));
  return join(folder, SERVICES[name].binary);
}

/** Each service must know the others' ports before they listen, so the ports are chosen here. */
async function freePorts(): Promise<Record<Name, number>> {
  const held = await Promise.all(NAMES.map(holdPort));
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(held.map((server) => once(server.close(), "close")));
  return Object.fromEntries(NAMES.map((name, i) => [name, ports[i]])) as Record<Name, number>;
}

export async function holdPort(): Promise<Server> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
