// One question with two configurations side by side, and the keys.

const listOf = (items) => make("ul", null, items.map((item) => make("li", null, item)));
const tableOf = (caption, heads, rows) => make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
  make("table", null, make("caption", null, make("span", null, caption)),
    make("thead", null, make("tr", null, heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", null, rows.map(([first, ...cells]) => make("tr", null, make("th", { scope: "row" }, first), cells.map((cell) => make("td", { class: "t" }, cell)))))));
const textOf = (n) => data.texts[n];
const overlaps = (x, y) => x.doc === y.doc && x.from < y.to && y.from < x.to;

const lostIn = (question, config, run) => {
  const stage = stageOf(config, question);
  if (!stage) return data.questions[question][3] ? null : make("p", null, "Unanswerable: there is no evidence to lose.");
  const lost = (run.lost ?? []).map(([s, points]) => `${data.stages[s]} ${points}`).join(", ");
  const kept = ["right", "answer", "score", "unknown"].includes(stage);
  const said = stage === "right" ? "Nothing was lost" : kept ? "Evidence kept; outcome: " : "Lost at: ";
  return make("div", { class: "lost" },
    make("p", null, make("strong", null, said, stage === "right" ? "" : stage), run.why ? ` (${textOf(run.why)})` : "",
      lost ? `. Points of span_recall lost: ${lost}; left ${run.left}.` : "."),
    (run.gone ?? []).map(([s, ...spans]) => make("p", { class: "small" }, `Evidence lost at ${data.stages[s]}: ${spans.map(placeOf).join("; ")}`)),
    run.other ? make("p", { class: "small" }, "The replay shows another context than the run did; a model or the day has changed.") : null);
};

const answerIn = (run) => [
  make("h5", null, "Answer"),
  run.failed !== undefined ? make("p", null, `None: ${textOf(run.failed)}`) : null,
  run.declined !== undefined ? make("p", null, `Declined: ${textOf(run.declined)}`) : null,
  run.answer !== undefined ? make("blockquote", null, textOf(run.answer)) : null,
  (run.flags ?? []).map((n) => make("p", { class: "warn" }, `Flag: ${textOf(n)}`)),
  run.cited ? make("p", { class: "small" }, `Cites ${run.cited.map(placeOf).join("; ")}`) : null,
];

// What a hit is to the question and to the answer, in words.
const meaning = (place, evidence, run) => {
  const span = spanOf(place);
  const said = (kind, places) => (places ?? []).some((n) => overlaps(spanOf(n), span)) ? kind : null;
  return [said("evidence", evidence), said("shown", run.shown), said("cited", run.cited)].filter(Boolean).join(", ") || DASH;
};

const hitsIn = (run, evidence) => {
  const flat = run.hits ?? [];
  const rows = [];
  for (let i = 0; i < flat.length; i += 2) rows.push([i / 2 + 1, flat[i], flat[i + 1]]);
  for (let i = 0; i < (run.later ?? []).length; i += 3) rows.push(run.later.slice(i, i + 3));
  const left = (run.ranked ?? 0) - rows.length;
  const [tokens, dropped, short] = run.size ?? [0, 0, 0];
  return [
    make("h5", null, "Hits"),
    rows.length ? tableOf("Hits by rank", ["rank", "score", "source", "what it holds"],
      rows.map(([rank, place, score]) => [String(rank), score === null ? DASH : String(score), placeOf(place), meaning(place, evidence, run)])) : make("p", null, "None."),
    left > 0 ? make("p", { class: "small" }, `${plural(left, "later hit")} without evidence not listed.`) : null,
    make("p", { class: "small" }, `Shown to the answerer: ${plural((run.shown ?? []).length, "passage")}, ${plural(tokens, "token")}; ${count(dropped)} hits dropped, ${count(short)} cut.`),
  ];
};

const verdictsIn = (run) => (run.verdicts ?? []).length ? [make("h5", null, "Verdicts"), run.verdicts.map(([metrics, facts]) =>
  make("details", null, make("summary", null, `${metrics.map((m) => data.metrics[m]).join(", ")}: ${plural(facts.length, "verdict")}`),
    listOf(facts.map(([words, claim]) => {
      const text = claim === undefined ? "" : Array.isArray(claim) ? cut(textOf(run.answer), ...claim) : textOf(claim);
      return text ? [make("strong", null, textOf(words)), `: ${text}`] : textOf(words);
    }))))] : null;

const marksOf = (run, evidence) => KINDS.flatMap((kind) =>
  ({ evidence, shown: run.shown, cited: run.cited })[kind]?.map((n) => ({ kind, ...spanOf(n) })) ?? []);

const sourcesIn = (run, evidence) => {
  const marks = marksOf(run, evidence);
  return [make("h5", null, "In the documents"), [...new Set(marks.map((m) => m.doc))].map((d) => {
    const doc = data.docs[d];
    const own = marks.filter((m) => m.doc === d);
    const places = KINDS.map((kind) => [kind, own.filter((m) => m.kind === kind)]).filter(([, found]) => found.length)
      .map(([kind, found]) => `${kind} ${found.map((m) => `[${m.from}:${m.to}]`).join(" ")}`).join("; ");
    const text = doc.length === null ? null : make("p", { class: "text" }, excerpt(doc, own));
    return make("div", { class: "doc" }, make("p", null, make("strong", null, doc.name), ` ${places}`), text);
  })];
};

const sideOf = (question, name, letter) => {
  const config = data.configs.indexOf(name);
  const run = data.details[question].runs[config];
  const head = make("h4", null, `${letter}: ${name}`);
  if (!run) return make("section", { class: "side", "aria-label": name }, head, make("p", null, "No answer of this configuration is on this page."));
  const { evidence } = data.details[question];
  const torn = (run.torn ?? []).map((i) => placeOf(evidence[i]));
  return make("section", { class: "side", "aria-label": `${letter}: ${name}` }, head, lostIn(question, config, run), answerIn(run), hitsIn(run, evidence),
    torn.length ? make("p", { class: "small" }, `No one chunk holds all of ${torn.join("; ")}.`) : null, verdictsIn(run), sourcesIn(run, evidence));
};

const scoresOf = (question, sides) => {
  const note = (config, m) => data.details[question]?.runs[config]?.notes?.find(([metric]) => metric === m)?.[1];
  const cell = (config, m) => {
    const value = valueOf(config, question, m);
    const more = note(config, m);
    return more === undefined ? write(value) : [write(typeof value === "number" ? value : null), make("small", null, textOf(more))];
  };
  const rows = data.metrics.map((name, m) => [name + (data.higher[m] ? "" : " (lower is better)"),
    ...sides.map((s) => cell(data.configs.indexOf(s), m)), ...(sides.length > 1 ? [better(question, m)] : [])]);
  const heads = ["metric", ...sides.map((s, i) => `${"AB"[i]}: ${s}`), ...(sides.length > 1 ? ["which is better"] : [])];
  const chosen = sides.map((s) => write(valueOf(data.configs.indexOf(s), question))).join(" against ");
  return make("details", { class: "scores" }, make("summary", null, `Scores: ${state.metric} ${chosen}${sides.length > 1 ? ` (${better(question)})` : ""}; all metrics`),
    tableOf("Scores of this question", heads, rows));
};

const picker = (key) => {
  const select = make("select", { id: `question-${key}` }, data.configs.map((name) => make("option", { value: name }, name)));
  select.value = state[key];
  select.addEventListener("input", () => {
    change({ [key]: select.value });
    byId(`question-${key}`).focus(); // the question was drawn anew
  });
  return make("label", null, `${key.toUpperCase()} `, select);
};

const barOf = (question) => {
  const rows = chosenRows();
  const at = rows.indexOf(question);
  const step = (by, text) => {
    const there = rows[at + by];
    return at < 0 || there === undefined ? null : make("a", { href: addressOf({ q: data.questions[there][0] }) }, text);
  };
  return make("p", { class: "bar" }, make("a", { href: addressOf({ q: "" }), id: "question-close" }, "All questions (Esc)"),
    step(-1, "Previous"), step(1, "Next"), make("span", null, at < 0 ? "not among the filtered questions" : `${count(at + 1)} of ${count(rows.length)}`));
};

const legend = () => make("p", { class: "legend" }, "In the documents: ", ["evidence", "shown", "cited"].flatMap((kind) => [make("mark", { class: kind }, kind), " "]),
  "(underlined: evidence; dotted: shown to the answerer; line above: cited; they may overlap)");

const showQuestion = (question) => {
  byId("browser-question").setAttribute("aria-labelledby", "question-title");
  const [id, text, tags, answerable] = data.questions[question];
  const found = data.details[question];
  const sides = [state.a, state.b].filter(Boolean);
  const quote = (n) => {
    const span = spanOf(n);
    const piece = data.docs[span.doc].pieces.find((p) => p.from <= span.from && span.to <= p.to);
    return [make("strong", null, placeOf(n)), piece ? `: ${piece.points.slice(span.from - piece.from, span.to - piece.from).join("")}` : ""];
  };
  byId("browser-question").replaceChildren(...nodesOf([
    barOf(question), make("h3", { id: "question-title", tabindex: "-1" }, `${id}: ${text}`),
    make("p", { class: "small" }, `Tags: ${tags.map((t) => data.tags[t]).join(", ") || "none"}${answerable ? "" : "; unanswerable"}`),
    found?.gold.length ? [make("h4", null, "Right answer"), listOf(found.gold.map(textOf))] : null,
    found?.evidence.length ? [make("h4", null, "Evidence"), listOf(found.evidence.map(quote))] : null,
    make("p", { class: "pickers" }, picker("a"), state.b ? picker("b") : null), scoresOf(question, sides),
    found ? [legend(), make("div", { class: "sides" }, sides.map((name, i) => sideOf(question, name, "AB"[i])))]
      : make("p", null, "The answers and hits of this question were left out to keep the page small; `rag-eval show` has them."),
  ]));
};

const show = () => {
  const question = data.questions.findIndex((row) => row[0] === state.q);
  byId("browser-list").hidden = question >= 0;
  byId("browser-question").hidden = question < 0;
  byId("browser-unknown").textContent = state.q && question < 0 ? `There is no question ${state.q} in this table.` : "";
  if (question >= 0) showQuestion(question);
  else showTable();
};

const links = () => [...document.querySelectorAll("#question-table tbody a")];

const onKey = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const typing = event.target.closest("input, select, textarea");
  const open = !byId("browser-question").hidden;
  if (event.key === "Escape" && open) location.hash = addressOf({ q: "" });
  else if (event.key === "/" && !typing && !open) byId("browser-find").focus();
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const at = links().indexOf(event.target);
    const next = event.target.id === "browser-find" && event.key === "ArrowDown" ? links()[0] : at < 0 ? null : links()[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    next.focus();
  } else return;
  event.preventDefault();
};

// Follow the address; the place of the reader follows too: into the question that was opened, back to its row when it is closed.
const onAddress = () => {
  if (location.hash && !location.hash.includes("=")) return; // a link within the page
  const before = state.q;
  state = readState();
  show();
  if (state.q && !byId("browser-question").hidden) {
    byId("question-title").focus({ preventScroll: true });
    byId("browser-question").scrollIntoView();
  } else if (before && before !== state.q) links()[data.questions.findIndex((r) => r[0] === before) < 0 ? 0 : chosenRows().findIndex((i) => data.questions[i][0] === before)]?.focus();
};

const start = async () => {
  data = await load();
  state = readState();
  prepare();
  byId("browser").hidden = false;
  addEventListener("hashchange", onAddress);
  document.addEventListener("keydown", onKey);
  onAddress();
};

start().catch(() => {
  byId("browser-broken").hidden = false;
});
