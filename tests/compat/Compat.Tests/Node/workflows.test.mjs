import assert from "node:assert/strict";
import test from "node:test";
import dapr from "@dapr/dapr";
import { connect, daprApiToken, grpcPort, isGrpc } from "./harness.mjs";

const { DaprWorkflowClient, WorkflowRuntime, WorkflowRuntimeStatus: status } = dapr;
const options = { daprHost: "127.0.0.1", daprPort: grpcPort, daprApiToken };
const http = isGrpc ? null : connect();

async function double(_, n) {
  return n * 2;
}

async function fail() {
  throw new Error("broken on purpose");
}

async function* chain(context, input) {
  const first = yield context.callActivity(double, input);
  return yield context.callActivity(double, first);
}

async function* fanOut(context, input) {
  const results = yield context.whenAll(Array.from({ length: input }, (_, n) => context.callActivity(double, n)));
  return results.reduce((sum, n) => sum + n, 0);
}

async function* waiting(context) {
  context.setCustomStatus("waiting");
  const approval = yield context.waitForExternalEvent("approval");
  return `approved by ${approval.name}`;
}

async function* race(context) {
  const timer = context.createTimer(1);
  const event = context.waitForExternalEvent("never");
  return (yield context.whenAny([timer, event])) === timer ? "timer" : "event";
}

async function* parent(context, input) {
  return yield context.callChildWorkflow(chain, input);
}

async function* countDown(context, input) {
  yield context.callActivity(double, input);
  if (input > 0) {
    context.continueAsNew(input - 1, false);
    return undefined;
  }
  return "zero";
}

async function* broken(context) {
  yield context.callActivity(fail);
}

const runtime = new WorkflowRuntime(options);
for (const workflow of [chain, fanOut, waiting, race, parent, countDown, broken]) {
  runtime.registerWorkflow(workflow);
}
runtime.registerActivity(double).registerActivity(fail);
await runtime.start();
const client = new DaprWorkflowClient(options);
test.after(async () => {
  await runtime.stop();
  await client.stop();
});

const name = (text) => `${text}-${isGrpc ? "grpc" : "http"}`;

// Where the run is over HTTP, workflows are started and controlled over it; the worker has gRPC only.
const start = (workflow, input, id) => (http ? http.workflow.start(workflow.name, input, id) : client.scheduleNewWorkflow(workflow, input, id));

async function outcome(id) {
  const state = await client.waitForWorkflowCompletion(id, true, 20);
  return { status: state.runtimeStatus, output: state.serializedOutput && JSON.parse(state.serializedOutput), failure: state.workflowFailureDetails };
}

for (const [workflow, input, output] of [
  [chain, 3, 12],
  [fanOut, 25, 600],
  [race, undefined, "timer"],
  [parent, 5, 20],
  [countDown, 3, "zero"],
]) {
  test(`${workflow.name} completes`, async () => {
    const id = await start(workflow, input, name(workflow.name));

    assert.deepEqual(await outcome(id), { status: status.COMPLETED, output, failure: undefined });
  });
}

test("an activity that throws fails the workflow", async () => {
  const id = await start(broken, undefined, name("broken"));

  const { status: end, failure } = await outcome(id);

  assert.equal(end, status.FAILED);
  assert.match(failure.getErrorMessage(), /broken on purpose/);
});

test("a workflow waits for an event", async () => {
  const id = await start(waiting, undefined, name("waiting"));
  await client.waitForWorkflowStart(id, false, 20);
  await (http ? http.workflow.raise(id, "approval", { name: "anna" }) : client.raiseEvent(id, "approval", { name: "anna" }));

  assert.equal((await outcome(id)).output, "approved by anna");
});

test("a workflow is paused, resumed, terminated and purged", async () => {
  const id = await start(waiting, undefined, name("stopped"));
  await client.waitForWorkflowStart(id, false, 20);

  await (http ? http.workflow.pause(id) : client.suspendWorkflow(id));
  assert.equal((await client.getWorkflowState(id, false)).runtimeStatus, status.SUSPENDED);
  await (http ? http.workflow.resume(id) : client.resumeWorkflow(id));
  assert.equal((await client.getWorkflowState(id, false)).runtimeStatus, status.RUNNING);
  await (http ? http.workflow.terminate(id) : client.terminateWorkflow(id, "enough"));
  assert.equal((await outcome(id)).status, status.TERMINATED);
  await (http ? http.workflow.purge(id) : client.purgeWorkflow(id));
  assert.equal(await client.getWorkflowState(id, false), undefined);
});

test("a workflow is looked at over HTTP", { skip: !http && "part of the run over HTTP" }, async () => {
  const id = await start(chain, 1, name("seen"));
  await outcome(id);

  const seen = await http.workflow.get(id);

  assert.equal(seen.workflowName, "chain");
  assert.equal(seen.runtimeStatus, "COMPLETED");
  assert.equal(seen.properties["dapr.workflow.output"], "4");
});
