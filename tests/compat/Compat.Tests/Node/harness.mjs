// What every program shares: the sidecar that the test gave it, and how to wait for what arrives later.
import { test } from "node:test";
import { EventEmitter, once } from "node:events";
import { rename, writeFile } from "node:fs/promises";
import dapr from "@dapr/dapr";

export const { DaprClient, DaprServer, CommunicationProtocolEnum, HttpMethod } = dapr;

export const protocol = process.env.COMPAT_PROTOCOL === "grpc" ? CommunicationProtocolEnum.GRPC : CommunicationProtocolEnum.HTTP;
export const isGrpc = protocol === CommunicationProtocolEnum.GRPC;
export const appPort = process.env.COMPAT_APP_PORT;
export const httpPort = process.env.COMPAT_HTTP_PORT;
export const grpcPort = process.env.COMPAT_GRPC_PORT;
export const daprApiToken = process.env.COMPAT_API_TOKEN;
export const appId = "compat";

const patience = 20_000;
const quiet = { level: "error" };

const clientOptions = (over) => ({
  daprHost: "127.0.0.1",
  daprPort: over === CommunicationProtocolEnum.GRPC ? grpcPort : httpPort,
  communicationProtocol: over,
  daprApiToken,
  logger: quiet,
  actor: { actorIdleTimeout: "1h", reentrancy: { enabled: true, maxStackDepth: 8 } },
});

/** A client over the protocol of this run; it is stopped at the end. */
export function connect() {
  const client = new DaprClient(clientOptions(protocol));
  test.after(() => client.stop());
  return client;
}

/** An app as its author writes it: it is called over HTTP, its client speaks the protocol given. `setUp` registers before it listens. */
export async function serve(setUp, over = protocol) {
  const server = new DaprServer({
    serverHost: "127.0.0.1",
    serverPort: appPort,
    communicationProtocol: CommunicationProtocolEnum.HTTP,
    clientOptions: clientOptions(over),
    logger: quiet,
  });
  await setUp(server);
  await server.start();
  test.after(() => server.stop());
  return server;
}

/** Collects what handlers see and lets a test await one that fits. */
export class Seen {
  #items = [];
  #signal = new EventEmitter();

  add(item) {
    this.#items.push(item);
    this.#signal.emit("item");
  }

  get all() {
    return [...this.#items];
  }

  async first(fits = () => true) {
    const limit = AbortSignal.timeout(patience);
    for (;;) {
      const found = this.#items.find(fits);
      if (found !== undefined) {
        return found;
      }
      await once(this.#signal, "item", { signal: limit });
    }
  }

  async count(number) {
    const limit = AbortSignal.timeout(patience);
    while (this.#items.length < number) {
      await once(this.#signal, "item", { signal: limit });
    }
    return this.all;
  }
}

/** The sidecar over plain HTTP, for what the SDK hides: status, headers, bodies. */
export function raw(path, init = {}) {
  return fetch(`http://127.0.0.1:${httpPort}${path}`, { ...init, headers: { "dapr-api-token": daprApiToken, ...init.headers } });
}

/** Changes the items of the component "configuration" as a person does: the file is replaced. */
export async function changeConfiguration(items) {
  const file = `${process.env.COMPAT_FOLDER}/configuration.json`;
  await writeFile(`${file}.new`, JSON.stringify(items));
  await rename(`${file}.new`, file);
}
