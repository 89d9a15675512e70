// What is chosen lives in the fragment of the address, so that a link shows another reader the same.

const KINDS = ["evidence", "shown", "cited"];
const AROUND = 100; // characters around a mark
const ROWS = 300; // rows drawn before a button asks for the others
const DASH = "–";
const byId = (id) => document.getElementById(id);
let data = null;
let state = {};
let every = false; // whether all rows are drawn

const DEFAULTS = () => ({
  q: "", find: "", metric: data.metrics[data.first] ?? "", a: data.configs[0] ?? "", b: data.configs[1] ?? "",
  tag: "", stage: "", is: "", why: "", sort: "", dir: "up",
});

const readState = () => {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = DEFAULTS();
  for (const name of Object.keys(found)) if (given.has(name)) found[name] = given.get(name);
  if (!data.metrics.includes(found.metric)) found.metric = DEFAULTS().metric;
  if (!data.configs.includes(found.a)) found.a = DEFAULTS().a;
  if (!data.configs.includes(found.b)) found.b = DEFAULTS().b;
  return found;
};

const addressOf = (changes) => {
  const next = { ...state, ...changes };
  const usual = DEFAULTS();
  const parameters = Object.entries(next).filter(([name, value]) => value !== usual[name]);
  return `#${new URLSearchParams(parameters.length ? parameters : [["q", ""]])}`;
};

// A filter replaces the address, so that the back button leaves the page; opening a question adds one, so that it closes the question.
const change = (changes) => {
  history.replaceState(null, "", addressOf(changes));
  state = readState();
  show();
};

// Plain or packed data, to what the rest works with.
const load = async () => {
  const source = byId("browser-data");
  let text = source.textContent;
  if (source.dataset.packed === "deflate") {
    const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
    text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  }
  const found = JSON.parse(text);
  found.docs = found.docs.map(([name, length, flat]) => ({ name, length, pieces: piecesOf(flat) }));
  found.haystack = found.questions.map((row, i) =>
    [row[0], row[1], ...row[2].map((t) => found.tags[t]), ...(found.details[i]?.gold ?? []).map((t) => found.texts[t])].join(" ").toLowerCase());
  return found;
};

const piecesOf = (flat) => {
  const found = [];
  for (let i = 0; i < flat.length; i += 2) {
    const points = Array.from(flat[i + 1]);
    found.push({ from: flat[i], to: flat[i] + points.length, points });
  }
  return found;
};

const spanOf = (n) => ({ doc: data.spans[3 * n], from: data.spans[3 * n + 1], to: data.spans[3 * n + 2] });
const placeOf = (n) => {
  const span = spanOf(n);
  return `${data.docs[span.doc].name} [${span.from}:${span.to}]`;
};
const valueOf = (config, question, metric = data.metrics.indexOf(state.metric)) => (config < 0 ? null : data.values[config][metric][question]);
const write = (value) => {
  if (value === null || value === undefined) return DASH;
  if (typeof value === "string") return `${DASH} ${data.reasons[Number(value)].replaceAll("_", " ")}`;
  return Math.abs(value) >= 100 ? count(Math.round(value)) : value.toFixed(3).replace("-", "\u2212");
};
const stageOf = (config, question) => {
  const stage = config < 0 ? null : data.stage[config]?.[question] ?? null;
  return stage === null ? "" : data.stages[stage];
};

// Which of two configurations a metric puts first on a question.
const better = (question, metric = data.metrics.indexOf(state.metric)) => {
  const [x, y] = [state.a, state.b].map((name) => valueOf(data.configs.indexOf(name), question, metric));
  if (typeof x !== "number" || typeof y !== "number") return "not compared";
  if (x === y) return "tie";
  return x > y === Boolean(data.higher[metric]) ? "A better" : "B better";
};
