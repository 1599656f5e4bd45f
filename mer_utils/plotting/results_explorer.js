// The results explorer: filters a table of scores and draws what is left.
// The table in the page is the only copy of the data, so without scripts nothing is lost.
// No library. Under Node it exports its arithmetic for the tests.
(function () {
  "use strict";

  const SHAPES = ["circle", "square", "diamond", "up", "down"];

  // Rows that agree with every filter; an empty choice agrees with all.
  function select(rows, filters) {
    return rows.filter((row) => Object.keys(filters).every((key) => filters[key] === "" || row[key] === filters[key]));
  }

  // Ends of an axis that holds all values and intervals, and round ticks inside it.
  function axis(rows) {
    const ends = rows.flatMap((r) => [r.low, r.value, r.high]).filter(Number.isFinite);
    let low = Math.min(...ends), high = Math.max(...ends);
    if (high - low < 1e-9) { low -= 0.05; high += 0.05; }
    const rough = (high - low) / 4, unit = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= rough);
    low = Math.floor(low / step + 1e-9) * step;
    high = Math.ceil(high / step - 1e-9) * step;
    const ticks = [];
    for (let k = 0; low + k * step <= high + step / 2; k++) ticks.push(Number((low + k * step).toFixed(10)));
    return { low: low, high: high, ticks: ticks };
  }

  function sentence(row) {
    const counts = Object.keys(row.counts).filter((k) => row.counts[k] !== "").map((k) => k + ": " + row.counts[k]);
    return [row.text.table, row.text.dataset, row.text.model, row.text.setting].filter(Boolean).join(", ") + ": " +
      row.text.metric + " " + row.value.toFixed(3) + ", interval " +
      (Number.isFinite(row.low) ? row.low.toFixed(3) + " to " + row.high.toFixed(3) : "undefined") +
      (counts.length ? " (" + counts.join(", ") + ")" : "");
  }

  function svgNode(name, attributes, text) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function mark(shape, x, y, colour) {
    const r = 5.5;
    if (shape === "circle") return svgNode("circle", { cx: x, cy: y, r: r, fill: colour });
    const points = {
      square: [[-r, -r], [r, -r], [r, r], [-r, r]],
      diamond: [[0, -r - 1.5], [r + 1.5, 0], [0, r + 1.5], [-r - 1.5, 0]],
      up: [[0, -r - 1], [r + 1, r], [-r - 1, r]],
      down: [[0, r + 1], [r + 1, -r], [-r - 1, -r]],
    }[shape];
    return svgNode("polygon", { points: points.map(([dx, dy]) => x + dx + "," + (y + dy)).join(" "), fill: colour });
  }

  function readRow(tr, heads) {
    const row = { node: tr, counts: {}, text: {} };
    heads.forEach((head, place) => {
      const cell = tr.cells[place], name = head.dataset.column, words = cell.textContent.trim();
      if (head.dataset.kind === "number") row[name] = cell.dataset.value === "" ? NaN : Number(cell.dataset.value);
      else if (head.dataset.kind === "count") row.counts[name] = words;
      else row[name] = row.text[name] = words;
    });
    return row;
  }

  function start(root) {
    root.setAttribute("data-ready", "");
    const part = (name) => root.querySelector("[data-part='" + name + "']");
    const body = part("rows"), charts = part("charts"), reading = part("read");
    const heads = Array.from(root.querySelectorAll("thead th"));
    const rows = Array.from(body.rows, (tr) => readRow(tr, heads));
    const filters = Array.from(root.querySelectorAll("select[data-filter]"));
    const settings = Array.from(new Set(rows.map((r) => r.setting)));
    const colours = JSON.parse(root.dataset.colours);
    const look = (setting) => {
      const place = settings.indexOf(setting);
      return { colour: colours[place % colours.length], shape: SHAPES[place % SHAPES.length] };
    };
    const idle = "Point at a mark, or reach it with the Tab key, to read its interval and counts.";
    let shown = rows;

    function key() {
      const present = settings.filter((s) => shown.some((r) => r.setting === s));
      part("key").replaceChildren(...present.map((s) => {
        const item = document.createElement("li"), svg = svgNode("svg", { width: 16, height: 16, "aria-hidden": "true" });
        svg.append(mark(look(s).shape, 8, 8, look(s).colour));
        item.append(svg, shown.find((r) => r.setting === s).text.setting);
        return item;
      }));
    }

    // One chart per data set; within it a heading per model and a line per row.
    function panel(part, scale, width) {
      const models = Array.from(new Set(part.map((r) => r.model)));
      const lineOf = 17, headOf = 22;
      const height = models.length * headOf + part.length * lineOf + 46;
      const x = (v) => 12 + ((v - scale.low) / (scale.high - scale.low)) * (width - 24);
      const svg = svgNode("svg", { viewBox: "0 0 " + width + " " + height, width: width, height: height, role: "group", "aria-label": part[0].text.dataset + ", " + part.length + " scores" });
      svg.append(svgNode("text", { x: 4, y: 13, "font-weight": 700, style: "font-size:14px" }, part[0].text.dataset));
      const base = height - 22, digits = Math.max(1, Math.ceil(-Math.log10(scale.ticks[1] - scale.ticks[0]) - 1e-9));
      for (const tick of scale.ticks) {
        svg.append(svgNode("line", { x1: x(tick), x2: x(tick), y1: 20, y2: base, stroke: tick === 0 ? "var(--ink)" : "var(--line)" }));
        svg.append(svgNode("text", { x: x(tick), y: base + 15, "text-anchor": "middle", "class": "mer-muted" }, tick.toFixed(digits)));
      }
      let y = 24;
      for (const model of models) {
        const own = part.filter((r) => r.model === model);
        svg.append(svgNode("text", { x: 4, y: y + 14 }, own[0].text.model));
        y += headOf;
        for (const row of own) {
          const style = look(row.setting), middle = y + lineOf / 2 - 1;
          const group = svgNode("g", { tabindex: 0, role: "img", "aria-label": sentence(row), "class": "mer-mark" });
          group.append(svgNode("rect", { x: 0, y: y - 1, width: width, height: lineOf, "class": "mer-hit" }));
          if (Number.isFinite(row.low)) group.append(svgNode("line", { x1: x(row.low), x2: x(row.high), y1: middle, y2: middle, stroke: style.colour, "stroke-width": 2.5 }));
          group.append(mark(style.shape, x(row.value), middle, style.colour));
          const show = () => { reading.textContent = sentence(row); };
          group.addEventListener("mouseenter", show);
          group.addEventListener("focus", show);
          // What the row's number does when it is pressed, its mark does too.
          const press = () => { const number = row.node.querySelector("td button"); if (number) number.click(); };
          group.addEventListener("click", () => { show(); press(); });
          group.addEventListener("keydown", (event) => { if (event.key === "Enter") press(); });
          svg.append(group);
          y += lineOf;
        }
      }
      return svg;
    }

    function draw() {
      const datasets = Array.from(new Set(shown.map((r) => r.dataset)));
      charts.replaceChildren();
      if (!shown.length) return;
      const scale = axis(shown);
      for (const dataset of datasets) {
        const holder = document.createElement("div");
        charts.append(holder);
        holder.dataset.dataset = dataset;
      }
      // All holders first, so that each knows its width when it is drawn.
      for (const holder of charts.children) {
        const part = shown.filter((r) => r.dataset === holder.dataset.dataset);
        holder.append(panel(part, scale, Math.max(240, Math.floor(holder.clientWidth))));
      }
    }

    function update() {
      const chosen = {};
      for (const filter of filters) chosen[filter.dataset.filter] = filter.value;
      shown = select(rows, chosen);
      const keep = new Set(shown);
      for (const row of rows) row.node.hidden = !keep.has(row);
      part("count").textContent = shown.length + " of " + rows.length + " scores" +
        (shown.length ? "" : "; no score fits these filters, widen one of them");
      reading.textContent = idle;
      key();
      draw();
    }

    function sortBy(button) {
      const head = button.closest("th"), name = head.dataset.column;
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const worth = (row) => (name in row ? row[name] : row.counts[name]);
      const compare = (a, b) => {
        const x = worth(a), y = worth(b);
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
      };
      const sorted = rows.slice().sort((a, b) => (down ? -compare(a, b) : compare(a, b)));
      body.append(...sorted.map((r) => r.node));
    }

    for (const filter of filters) filter.addEventListener("change", update);
    root.querySelectorAll("thead button").forEach((b) => b.addEventListener("click", () => sortBy(b)));
    charts.addEventListener("keydown", (event) => {
      if (event.key === "Escape") reading.textContent = idle;
    });
    part("body").hidden = false;
    let drawnWidth = 0;
    new ResizeObserver(() => {
      if (charts.clientWidth !== drawnWidth) { drawnWidth = charts.clientWidth; draw(); }
    }).observe(charts);
    update();
    root.setAttribute("data-drawn", "");
  }

  if (typeof module !== "undefined" && module.exports) {
    module.exports = { select: select, axis: axis, sentence: sentence };
  } else {
    document.querySelectorAll(".mer-results-explorer:not([data-ready])").forEach(start);
  }
})();
