"""A LangChain chat model with a tool, through OpenInference."""

import os

from collector import collecting, dump
from conversation import QUESTION, RESULT, SYSTEM, TOOL
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor

_, collector = collecting()
LangChainInstrumentor().instrument()
model = ChatOpenAI(model="gpt-4o-mini", base_url=os.environ["OPENAI_BASE_URL"], api_key="recorded", temperature=0.2)
tools = model.bind_tools([TOOL])
messages = [SystemMessage(SYSTEM), HumanMessage(QUESTION)]
call = tools.invoke(messages)
tools.invoke([*messages, call, ToolMessage(RESULT, tool_call_id=call.tool_calls[0]["id"])])
dump(collector)
