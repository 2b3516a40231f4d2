// What collector.py does, for drivers in JavaScript.
import { writeFileSync } from "node:fs";

import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

const exporter = new InMemorySpanExporter();
export const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();

const KINDS = ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUSES = ["UNSET", "OK", "ERROR"];
const nanoseconds = ([seconds, rest]) => seconds * 1e9 + rest;

export async function dump() {
  await provider.forceFlush();
  const spans = exporter.getFinishedSpans().sort((a, b) => nanoseconds(a.startTime) - nanoseconds(b.startTime));
  const start = nanoseconds(spans[0].startTime);
  const [traces, ids] = [[], []];
  const numbered = (known, id) => known.indexOf(id) + 1 || known.push(id);
  const recorded = spans.map((span) => ({
    name: span.name,
    kind: KINDS[span.kind],
    trace: numbered(traces, span.spanContext().traceId),
    id: numbered(ids, span.spanContext().spanId),
    parent: span.parentSpanContext ? numbered(ids, span.parentSpanContext.spanId) : null,
    start_ns: nanoseconds(span.startTime) - start,
    end_ns: nanoseconds(span.endTime) - start,
    status: [STATUSES[span.status.code], span.status.message ?? null],
    scope: [span.instrumentationScope.name, span.instrumentationScope.version ?? null],
    attributes: span.attributes,
    events: span.events.map((event) => [event.name, nanoseconds(event.time) - start, event.attributes ?? {}]),
  }));
  writeFileSync(process.env.RECORDING, JSON.stringify(recorded, null, 1) + "\n");
}
