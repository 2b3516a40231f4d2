"""The question of ``zero_code/app.py``, with tracing set up in code and the trace's user and session named."""

from openai import OpenAI

import langfuse_otel

langfuse_otel.configure()

with langfuse_otel.propagate_attributes(user_id="ada", session_id="docs", tags=["example"]):
    answer = OpenAI().chat.completions.create(
        model="gpt-4o-mini",
        messages=[
            {"role": "system", "content": "A trace is one request on its way through an application. Answer briefly."},
            {"role": "user", "content": "What is a trace?"},
        ],
    )
print(answer.choices[0].message.content)
