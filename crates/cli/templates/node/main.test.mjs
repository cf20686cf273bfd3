// Runs the module against a kernel that only plays one: @TESTER@
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { FakeKernel } from "./fake_kernel.mjs";

test("it answers", async () => {
  const kernel = new FakeKernel(@COMMAND@, { cwd: fileURLToPath(new URL(".", import.meta.url)) });
  await kernel.start();
  const answer = await kernel.request("@NAME@", "@METHOD@", @PARAMS@);
  assert.equal(answer.result, @RESULT@);
  assert.equal(await kernel.stop(), 0);
});
