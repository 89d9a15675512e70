// The table of all questions: controls, filters, order, rows.

const RESULTS = ["A better", "B better", "tie", "not compared"];
const CONTROLS = ["find", "metric", "a", "b", "tag", "stage", "is", "why"];

const passes = (i) => {
  const a = data.configs.indexOf(state.a);
  const value = valueOf(a, i);
  return state.find.toLowerCase().split(/\s+/).every((word) => data.haystack[i].includes(word))
    && (!state.tag || data.questions[i][2].some((t) => data.tags[t] === state.tag))
    && (!state.stage || stageOf(a, i) === state.stage)
    && (!state.is || better(i) === state.is)
    && (!state.why || (typeof value === "string" && data.reasons[Number(value)] === state.why));
};

// A column is a heading, a key for the address, what is shown, and what is sorted by; a missing value is always last.
const columns = () => {
  const [a, b] = [state.a, state.b].map((name) => data.configs.indexOf(name));
  const letter = (c) => (c === a ? "A: " : c === b ? "B: " : "");
  const found = [
    { key: "question", head: "question", sort: (i) => i },
    { key: "tags", head: "tags", text: (i) => data.questions[i][2].map((t) => data.tags[t]).join(", ") || DASH, words: true },
  ];
  for (const [config, side] of [[a, "A"], [b, "B"]]) {
    if (config >= 0 && data.stage[config]) {
      const text = (i) => stageOf(config, i) || (data.questions[i][3] ? DASH : "unanswerable");
      const sort = (i) => data.stage[config][i];
      found.push({ key: `stage${side}`, head: `lost at, in ${side}`, text, sort, words: true });
    }
  }
  if (b >= 0) found.push({ key: "is", head: "which is better", text: (i) => better(i), sort: (i) => RESULTS.indexOf(better(i)), words: true });
  data.configs.forEach((name, c) => found.push({ key: `=${name}`, head: letter(c) + name, text: (i) => write(valueOf(c, i)), sort: (i) => valueOf(c, i) }));
  return found;
};

const ordered = (indexes, column) => {
  if (!column) return indexes;
  const keyed = indexes.map((i) => [i, (column.sort ?? column.text)(i)]);
  const sign = state.dir === "down" ? -1 : 1;
  const none = (key) => key === null || key === undefined || key === DASH || (typeof key === "string" && !column.words);
  const compare = (x, y) => (typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en"));
  return keyed.toSorted(([i, x], [j, y]) => none(x) - none(y) || (none(x) ? 0 : sign * compare(x, y)) || i - j).map(([i]) => i);
};

const chosenRows = () => {
  const found = data.questions.map((_, i) => i).filter(passes);
  return ordered(found, columns().find((column) => column.key === state.sort));
};

const heading = (column) => {
  const on = state.sort === column.key;
  const sorted = on ? (state.dir === "up" ? "ascending" : "descending") : null;
  const button = make("button", { type: "button", "data-key": column.key }, column.head, make("span", { "aria-hidden": "true" }, on ? (state.dir === "up" ? "\u00a0▲" : "\u00a0▼") : "\u00a0↕"));
  button.addEventListener("click", () => {
    change({ sort: column.key, dir: on && state.dir === "up" ? "down" : "up" });
    [...document.querySelectorAll("#question-table thead button")].find((b) => b.dataset.key === column.key)?.focus(); // the row of headings was made anew
  });
  return make("th", { scope: "col", "aria-sort": sorted, class: column.words || column.key === "question" ? null : "n" }, button);
};

const row = (i, shown) => {
  const [id, text] = data.questions[i];
  const link = make("a", { href: addressOf({ q: id }) }, make("strong", null, id), ` ${text}`);
  return make("tr", null, make("th", { scope: "row", class: "list" }, link), shown.slice(1).map((c) => make("td", { class: c.words ? "t" : null }, c.text(i))));
};

const summaryOf = (rows) => {
  const tally = RESULTS.map((result) => [result, rows.filter((i) => better(i) === result).length]).filter(([, n]) => n);
  const said = state.b ? `; ${state.metric}: ${tally.map(([result, n]) => `${result} ${count(n)}`).join(", ")}` : "";
  return `${count(rows.length)} of ${plural(data.questions.length, "question")} shown${rows.length ? said : ""}.`;
};

const showTable = () => {
  const rows = chosenRows();
  const shown = columns();
  const drawn = every ? rows : rows.slice(0, ROWS);
  byId("question-table").tHead.rows[0].replaceChildren(...shown.map(heading));
  byId("question-table").tBodies[0].replaceChildren(...drawn.map((i) => row(i, shown)));
  byId("browser-count").textContent = summaryOf(rows);
  byId("browser-more").hidden = drawn.length === rows.length;
  byId("browser-more").textContent = `Draw the other ${count(rows.length - drawn.length)} rows`;
  for (const name of CONTROLS) byId(`browser-${name}`).value = state[name];
};

// Choices with how many questions each stands for; a choice that the address names is kept where it stands for none.
const choices = (id, names, all) => byId(id).replaceChildren(...(all ? [make("option", { value: "" }, all)] : []), ...names.map((n) => make("option", { value: n }, n)));

const prepare = () => {
  choices("browser-metric", data.metrics);
  for (const side of ["a", "b"]) choices(`browser-${side}`, data.configs);
  choices("browser-tag", data.tags, "any");
  choices("browser-stage", data.stages, "any");
  choices("browser-is", RESULTS, "any");
  choices("browser-why", data.reasons, "any");
  byId("browser-stage").closest("label").hidden = !data.stages.length;
  byId("browser-tag").closest("label").hidden = !data.tags.length;
  byId("browser-why").closest("label").hidden = !data.reasons.length;
  if (data.configs.length < 2) for (const name of ["b", "is"]) byId(`browser-${name}`).closest("label").hidden = true;
  byId("browser-swap").hidden = data.configs.length < 2;
  for (const name of CONTROLS) byId(`browser-${name}`).addEventListener("input", (event) => change({ [name]: event.target.value }));
  byId("browser-swap").addEventListener("click", () => change({ a: state.b, b: state.a }));
  byId("browser-reset").addEventListener("click", () => change(DEFAULTS()));
  byId("browser-more").addEventListener("click", () => {
    every = true;
    showTable();
    // The button goes, so the keyboard goes on at the first row that is new.
    byId("question-table").tBodies[0].rows[ROWS]?.querySelector("a")?.focus();
  });
};
