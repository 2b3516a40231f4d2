"""One question to a model. Nothing in here knows of tracing."""

from openai import OpenAI

answer = OpenAI().chat.completions.create(
    model="gpt-4o-mini",
    messages=[
        {"role": "system", "content": "A trace is one request on its way through an application. Answer briefly."},
        {"role": "user", "content": "What is a trace?"},
    ],
)
print(answer.choices[0].message.content)
