// The Vercel AI SDK, up to version 6 by its own telemetry and since version 7 by @ai-sdk/otel: a streamed answer after a
// tool call, and an embedding.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import * as sdk from "ai";
import { z } from "zod";

import { dump, provider } from "./collector.mjs";

const { PIXEL, QUESTION, RESULT, SYSTEM } = process.env;
const { baseURL, apiKey } = { baseURL: process.env.OPENAI_BASE_URL, apiKey: "recorded" };
const models = createOpenAICompatible({ name: "recorded", baseURL, apiKey, includeUsage: true });

let telemetry = { experimental_telemetry: { isEnabled: true, functionId: "weather" } };
if (sdk.registerTelemetry) {
  const { OpenTelemetry } = await import("@ai-sdk/otel");
  sdk.registerTelemetry(new OpenTelemetry({ tracer: provider.getTracer("ai") }));
  telemetry = { telemetry: { functionId: "weather" } };
}

const answer = sdk.streamText({
  model: models.chatModel("gpt-4o-mini"),
  system: SYSTEM,
  messages: [
    { role: "user", content: [{ type: "text", text: QUESTION }, { type: "file", mediaType: "image/png", data: PIXEL }] },
  ],
  tools: {
    get_weather: sdk.tool({
      description: "The weather of a town",
      inputSchema: z.object({ city: z.string() }),
      execute: async () => RESULT,
    }),
  },
  temperature: 0.2,
  maxOutputTokens: 64,
  stopWhen: sdk.stepCountIs(2),
  ...telemetry,
});
await answer.consumeStream();
await sdk.embed({ model: models.textEmbeddingModel("text-embedding-3-small"), value: "A town.", ...telemetry });
await dump();
