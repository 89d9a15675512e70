// Elements, and texts with marks on them. Whatever comes from the run reaches the page as text nodes only, never as markup.

const nodesOf = (children) => children.flat(Infinity).filter((child) => child !== null);
const make = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) if (value !== null) element.setAttribute(name, value);
  element.append(...nodesOf(children));
  return element;
};
const hidden = (text) => make("span", { class: "off" }, text); // for those who hear the page
const count = (n) => n.toLocaleString("en");
const plural = (n, one) => `${count(n)} ${one}${n === 1 ? "" : "s"}`;

// Spans count code points, as Python does; strings here count UTF-16 units, so a text is cut as a list of code points.
const cut = (text, from, to) => Array.from(text).slice(from, to).join("");

const union = (spans) => {
  const found = [];
  for (const [from, to] of spans.toSorted((x, y) => x[0] - y[0])) {
    if (found.length && from <= found.at(-1)[1]) found.at(-1)[1] = Math.max(found.at(-1)[1], to);
    else found.push([from, to]);
  }
  return found;
};

// Cut windows at every edge of a mark or a piece, so that marks may overlap and nest: each part has one set of kinds and one piece or none.
const parts = (doc, marks, around) => {
  const windows = union(marks.map((m) => [Math.max(0, m.from - around), m.to + around]));
  const found = [];
  for (const [low, high] of windows) {
    const edges = new Set([low, high]);
    for (const m of [...marks, ...doc.pieces]) for (const edge of [m.from, m.to]) if (edge > low && edge < high) edges.add(edge);
    const sorted = [...edges].toSorted((x, y) => x - y);
    for (let i = 0; i + 1 < sorted.length; i += 1) {
      const [from, to] = [sorted[i], sorted[i + 1]];
      const kinds = KINDS.filter((kind) => marks.some((m) => m.kind === kind && m.from <= from && to <= m.to)).join(", ");
      const piece = doc.pieces.find((p) => p.from <= from && to <= p.to);
      const text = piece ? piece.points.slice(from - piece.from, to - piece.from).join("") : null;
      const last = found.at(-1);
      if (last && last.to === from && last.kinds === kinds && (last.text === null) === (text === null)) {
        last.to = to;
        last.text = text === null ? null : last.text + text;
      } else found.push({ from, to, kinds, text });
    }
  }
  return found;
};

const gap = (n, kinds) => make("span", { class: "gap" }, ` [… ${plural(n, "character")} left out${kinds ? `, ${kinds} among them` : ""} …] `);

// The text of a document around marks, as nodes; what is left out is said with its length, and whether marks lie in it.
const excerpt = (doc, marks) => {
  const nodes = [];
  let at = 0;
  let missed = "";
  for (const part of parts(doc, marks, AROUND)) {
    if (part.text === null) {
      missed ||= part.kinds;
      continue;
    }
    if (part.from > at) nodes.push(gap(part.from - at, missed));
    [at, missed] = [part.to, ""];
    if (!part.kinds) nodes.push(part.text);
    else nodes.push(make("mark", { class: part.kinds.replaceAll(",", "") }, hidden(`[${part.kinds}: `), part.text, hidden("]")));
  }
  if (doc.length > at) nodes.push(gap(doc.length - at, missed));
  return nodes;
};
