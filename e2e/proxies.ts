// The reverse proxies of `deploy/proxy`, with TLS: the example files as they are, but for ports, name and certificate.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

import { holdPort, type Name, NAMES, SERVICES, type Stack } from "./stack.ts";

/** The port that each example forwards to, and the path below which it does. */
const PORTS: Record<Name, number> = { errors: 5010, logs: 5011, metrics: 5012, browser: 5013 };
const START_MS = 60_000;

const running = new Set<ChildProcess>();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** One proxy on a port of its own. It is started once there is a stack to forward to. */
export class Proxy {
  private constructor(
    readonly program: "caddy" | "nginx",
    private readonly path: string,
    /** `localhost:port`. */
    readonly host: string,
    private readonly folder: string,
    /** Keeps the port from others until the proxy takes it. */
    private readonly held: Server,
  ) {}

  /** None where Debian's package is not there. */
  static async choose(program: "caddy" | "nginx"): Promise<Proxy | undefined> {
    const path = find(program);
    if (!path) return undefined;
    const held = await holdPort();
    held.unref();
    const { port } = held.address() as AddressInfo;
    const folder = await mkdtemp(join(tmpdir(), `monlight-${program}-`));
    return new Proxy(program, path, `localhost:${port}`, folder, held);
  }

  /** nginx's certificate, for whoever is to trust it. */
  get certificate(): string {
    return join(this.folder, "cert.pem");
  }

  /** An address of a service as a browser reaches it. */
  url(name: Name, path = ""): string {
    return `https://${this.host}/mon/${name}/${path}`;
  }

  /** What a service must know to stand behind this proxy: what README.md beside the examples says. */
  variables(name: Name): Record<string, string> {
    const pages = NAMES.map((other) => [SERVICES[other].page, this.url(other)]);
    return { BASE_URL: `https://${this.host}/mon/${name}`, TRUSTED_PROXIES: "127.0.0.1,::1", ...Object.fromEntries(pages) };
  }

  /** Starts it in front of the stack, and waits until it answers. */
  async start(stack: Stack): Promise<void> {
    const example = await readFile(new URL(`../deploy/proxy/${FILES[this.program]}`, import.meta.url), "utf8");
    const file = join(this.folder, "configuration");
    await writeFile(file, this.adapted(forwarding(example, stack)));
    await once(this.held.close(), "close");
    const child = spawn(this.path, this.words(file), {
      cwd: this.folder,
      env: { PATH: process.env["PATH"], HOME: this.folder, XDG_DATA_HOME: this.folder, XDG_CONFIG_HOME: this.folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    let log = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += chunk));
    after(() => this.stop(child));
    const deadline = Date.now() + START_MS;
    while (!(await answers(this.url("errors", "health")))) {
      assert.ok(child.exitCode === null && Date.now() < deadline, `${this.program} does not answer:\n${log}`);
    }
  }

  /** The example with a name, a port and a certificate of this machine. */
  private adapted(example: string): string {
    const port = this.host.split(":")[1];
    if (this.program === "caddy") {
      const options = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n";
      return options + replaced(example, "mon.example.com {", `${this.host} {\n\ttls internal`);
    }
    certify(this.folder);
    let server = replaced(example, "listen 443 ssl http2;", `listen 127.0.0.1:${port} ssl http2;`);
    server = replaced(server, "server_name mon.example.com;", "server_name localhost;");
    server = replaced(server, "/etc/letsencrypt/live/mon.example.com/fullchain.pem", `${this.folder}/cert.pem`);
    server = replaced(server, "/etc/letsencrypt/live/mon.example.com/privkey.pem", `${this.folder}/key.pem`);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${this.folder}/${of};`);
    const http = ["access_log off;", ...temporary, server].join("\n");
    return `daemon off;\nmaster_process off;\npid ${this.folder}/pid;\nerror_log stderr;\nevents {}\nhttp {\n${http}\n}\n`;
  }

  private words(file: string): string[] {
    if (this.program === "caddy") return ["run", "--adapter", "caddyfile", "--config", file];
    return ["-p", this.folder, "-e", "stderr", "-c", file];
  }

  private async stop(child: ChildProcess): Promise<void> {
    const ended = once(child, "exit");
    if (child.exitCode === null && child.kill("SIGKILL")) await ended;
    running.delete(child);
    await rm(this.folder, { recursive: true, force: true });
  }
}

const FILES = { caddy: "Caddyfile", nginx: "nginx.conf" };

function find(program: string): string | undefined {
  const unpacked = fileURLToPath(new URL("../target/proxies/usr", import.meta.url));
  const places = [`/usr/bin/${program}`, `/usr/sbin/${program}`, `${unpacked}/bin/${program}`, `${unpacked}/sbin/${program}`];
  return places.find((place) => existsSync(place));
}

function forwarding(example: string, stack: Stack): string {
  return NAMES.reduce(
    (text, name) => replaced(text, `127.0.0.1:${PORTS[name]}`, new URL(stack.url(name)).host),
    example,
  );
}

/** The example must hold what is to be replaced: else it would not be the example that is tried. */
function replaced(text: string, what: string, by: string): string {
  assert.ok(text.includes(what), `the example holds ${what}`);
  return text.replace(what, by);
}

function certify(folder: string): void {
  const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost".split(" ");
  const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
  execFileSync("openssl", [...words, ...files, "-addext", "subjectAltName=DNS:localhost"], { stdio: "ignore" });
}

/** Whether it is answered with 200, whoever signed the certificate. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = get(url, { rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume().on("close", () => resolve(answer.statusCode === 200));
    });
    asked.on("error", () => setTimeout(() => resolve(false), 50));
  });
}
