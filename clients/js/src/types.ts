// The shapes of the public door, and of what goes over the wire. Nothing here runs.

/** Labels of a metric. */
export type Labels = Record<string, string | number | boolean>;

/** How bad it is. */
export type Level = "debug" | "info" | "warning" | "error";

export interface MonlightConfig {
  /** The public key of a project, or all in one: `https://KEY@relay.example.com`. */
  dsn: string;
  /** Address of the browser relay. Not needed if the DSN is a URL. */
  endpoint?: string;
  /** Version of your code, as its source maps were uploaded. */
  release?: string;
  /** production, staging, … */
  environment?: string;
  /** Part of all page views whose Web Vitals are measured, 0 to 1. Default 1. */
  sampleRate?: number;
  /** Part of all errors that are sent, 0 to 1. Default 1. */
  errorSampleRate?: number;
  /** Says in the console what could not be sent. Default false. */
  debug?: boolean;
  /** Sees each error before it is sent. What it returns goes; null keeps it back. */
  beforeSend?: (event: BrowserError) => BrowserError | null;
  /** False makes a client that does nothing. Default true. */
  enabled?: boolean;
  /** Reports `console.error` and `console.warn` as errors. Default false. */
  captureConsole?: boolean;
  /** Sends what the page writes into the console to the log viewer. Default false. */
  captureLogs?: boolean;
  /** Gives requests to the page's own origin a `traceparent` header. Default true. */
  traceparent?: boolean;
  /** Takes secrets out of URLs, messages, contexts and logs. Default true. */
  scrub?: boolean;
}

/** A config with its defaults in place. */
export type ResolvedConfig = MonlightConfig &
  Required<
    Pick<MonlightConfig, "endpoint" | "sampleRate" | "errorSampleRate" | "debug" | "enabled" | "captureConsole">
  >;

export interface MonlightClient {
  /** Reports an error that you caught. */
  captureError(error: unknown, context?: Record<string, unknown>): void;
  /** Reports a message; `warning`, or anything else for an error. */
  captureMessage(message: string, level?: string): void;
  /** From now on errors are this user's. Null forgets. */
  setUser(id: string | null): void;
  /** Goes with each error from now on. */
  addContext(key: string, value: unknown): void;
  /** Notes what happened, for the error that may come. */
  addBreadcrumb(category: string, message: string, data?: Record<string, unknown>): void;
  /** Counts. */
  counter(name: string, labels?: Labels, value?: number): void;
  /** A value that goes up and down. */
  gauge(name: string, value: number, labels?: Labels): void;
  /** One observation of a distribution. */
  histogram(name: string, value: number, labels?: Labels): void;
  /** Writes a line into the log viewer. */
  log(level: Level, message: string, fields?: Record<string, unknown>): void;
  /** Sends what is still gathered. */
  flush(): void;
  /** Sends what is gathered and takes everything back that was done to the page. */
  destroy(): void;
}

/** Something that happened before an error. */
export interface Breadcrumb {
  timestamp: string;
  category: string;
  message: string;
  data?: Record<string, unknown> | undefined;
}

/** Body of `POST /api/browser/errors`. */
export interface BrowserError {
  type: string;
  message: string;
  stack: string;
  url: string;
  user_agent: string;
  session_id: string;
  context: Record<string, unknown>;
  release?: string | undefined;
  timestamp: string;
  environment?: string | undefined;
  level: string;
  event_id: string;
  breadcrumbs?: Breadcrumb[] | undefined;
  /** URLs of scripts with the ids of their builds. */
  debug_ids?: Record<string, string> | undefined;
}

/** One of `POST /api/browser/metrics`. */
export interface BrowserMetric {
  name: string;
  type: "counter" | "gauge" | "histogram";
  value: number;
  labels: Labels;
  timestamp: string;
}

/** One of `POST /api/browser/logs`. */
export interface BrowserLog {
  level: Level;
  message: string;
  timestamp: string;
  fields?: unknown;
}

/** Takes back what was done. */
export type Undo = () => void;

/** What captures may do; the lazily loaded one has nothing else in common with the core. */
export interface Sink {
  histogram(name: string, value: number, labels?: Labels): void;
  /** Reports what is no exception: its type, what it says, and a line of a stack. */
  report(type: string, message: string, stack?: string, level?: Level, context?: Record<string, unknown>): void;
  /** A short name of an element: `button#pay.primary`. */
  selector(node: unknown): string;
}
