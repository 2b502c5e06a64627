// The server, as this page asks it.

let key = "";

export const useKey = (value) => (key = value);

/** What the server answered instead of what was asked for. */
export class ApiProblem extends Error {
  constructor(problem, status) {
    super(problem.detail ?? String(status));
    this.status = status;
    this.code = problem.code ?? "";
    this.errors = problem.errors ?? [];
  }
}

async function ask(path, options = {}) {
  const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  throw new ApiProblem(await response.json().catch(() => ({})), response.status);
}

const askJson = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const models = async () => (await ask("v1/models")).json();
export const demos = async () => (await ask("demo/films.json")).json();
export const demoFilm = async (id) => (await ask(`demo/films/${id}.mp4`)).blob();
export const lengths = async (language, texts) => (await (await askJson("v1/lengths", { language, texts })).json()).lengths;
export const subtitles = async (language, format, narrations) =>
  (await askJson("v1/subtitles", { language, format, narrations })).text();

/** One clip of a result narrated anew: {labels, window, texts}. */
export const rewrite = async (id, place, wanted) =>
  (await askJson(`v1/narrations/${id}/clips/${place}:rewrite`, wanted)).json();

/** Events of a text/event-stream, each {name, data}. */
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
      if (fields.event) yield { name: fields.event, data: JSON.parse(fields.data) };
    }
  }
}

/** Narrates a form's video; ends after the event `done`, throws on `error` and when the stream breaks off. */
export async function* narrate(form, signal) {
  const response = await ask("v1/narrations", {
    method: "POST",
    headers: { Accept: "text/event-stream" },
    body: form,
    signal,
  });
  for await (const event of eventsOf(response)) {
    if (event.name === "error") throw new ApiProblem(event.data, event.data.status);
    yield event;
    if (event.name === "done") return;
  }
  throw new TypeError("the stream broke off");
}
