// OpenAI's client for Node against a running server: prints, as JSON, what the client made of it.
//   node client.mjs <base URL> <key>

import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 20_000 });
const user = (content) => ({ role: "user", content });
const calls = [];
const weather = {
  type: "function",
  function: {
    name: "weather",
    description: "The weather of a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    },
    parse: JSON.parse,
    function: ({ city }) => {
      calls.push(city);
      return `sunny in ${city}`;
    },
  },
};

async function chat() {
  const { data, request_id } = await client.chat.completions
    .create({ model: "helper", messages: [user("Good morning")] })
    .withResponse();
  return { content: data.choices[0].message.content, request_id, usage: data.usage };
}

async function stream() {
  const chunks = [];
  const stream = await client.chat.completions.create({
    model: "helper",
    messages: [user("Good morning to all")],
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) chunks.push(chunk);
  const last = chunks.pop();
  return {
    text: chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join(""),
    finish_reason: chunks.at(-1).choices[0].finish_reason,
    usage: last.usage,
  };
}

async function helper() {
  const stream = client.chat.completions.stream({
    model: "thinker",
    messages: [user("hi")],
  });
  return { content: await stream.finalContent() };
}

async function parse() {
  const schema = {
    type: "object",
    properties: { place: { type: "string" }, nights: { type: "integer" } },
    required: ["place", "nights"],
    additionalProperties: false,
  };
  const answer = await client.chat.completions.parse({
    model: "helper",
    messages: [user("Plan a trip")],
    response_format: {
      type: "json_schema",
      json_schema: { name: "trip", schema, strict: true },
    },
  });
  return JSON.parse(answer.choices[0].message.content);
}

async function tools(model, content, streamed) {
  calls.length = 0;
  const runner = client.chat.completions.runTools({
    model,
    messages: [user(content)],
    tools: [weather],
    stream: streamed,
  });
  return { content: await runner.finalContent(), calls: [...calls] };
}

async function error(request) {
  try {
    const answer = await client.chat.completions.create({ messages: [user("hi")], ...request });
    for await (const _ of answer);
  } catch (error) {
    const { status, code, param } = error;
    return { name: error.constructor.name, status, code, param };
  }
  return null;
}

async function models() {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  return ids;
}

console.log(
  JSON.stringify({
    chat: await chat(),
    stream: await stream(),
    helper: await helper(),
    parse: await parse(),
    tools: await tools("helper", "What is the weather in Rome?", false),
    streamed_tools: await tools("helper", "What is the weather in Rome?", true),
    both_tools: await tools("guide", "a tour, please", true),
    not_found: await error({ model: "nobody" }),
    bad_request: await error({ model: "helper", n: 2 }),
    rate_limit: await error({ model: "busy", stream: true }),
    broken: await error({ model: "broken", stream: true }),
    models: await models(),
  }),
);
