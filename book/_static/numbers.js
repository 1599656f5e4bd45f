// Trace a number: what names its variants becomes a button that shows the runs behind it.
// What is said of the runs of a table is a file of its own, loaded when one of its numbers is pressed.
{
  const folder = new URL("../downloads/", document.currentScript.src);
  const loading = {};
  const load = table => loading[table] ??= new Promise(done => {
    const script = document.createElement("script");
    script.onload = script.onerror = () => done((window.merRuns ?? {})[table]);
    script.src = new URL(`runs-${table}.js`, folder);
    document.head.append(script);
  });
  const make = (tag, text, parent, more = {}) => {
    const node = Object.assign(document.createElement(tag), more);
    if (text !== undefined) node.textContent = text;
    return parent ? parent.appendChild(node) : node;
  };
  let dialog = null;

  document.addEventListener("DOMContentLoaded", () => {
    const cells = document.querySelectorAll('.bd-article [class*="mer-t-"]');
    if (!cells.length) return;
    dialog = make("dialog", undefined, document.body, { className: "mer-dialog" });
    dialog.addEventListener("keydown", event => { if (event.key === "Escape") dialog.close(); });
    for (const cell of cells) {
      const names = [...cell.classList].filter(c => c.startsWith("mer-t-")).map(c => c.slice(6));
      const value = cell.textContent.trim();
      const button = make("button", value, undefined, { type: "button", className: "mer-number" });
      button.setAttribute("aria-haspopup", "dialog");
      button.title = "The runs behind this number";
      button.addEventListener("click", () => show(value, cell.tagName === "TD", names));
      cell.replaceChildren(button);
      cell.hidden = false;
    }
  });

  async function show(value, number, names) {
    const found = [];
    for (const name of names) {
      const data = await load(name.slice(0, name.lastIndexOf("-")));
      if (data && data.variants[name]) found.push({ data, variant: data.variants[name] });
    }
    dialog.replaceChildren();
    const head = make("h2", value, dialog, { id: "mer-dialog-title" });
    dialog.setAttribute("aria-labelledby", head.id);
    if (!found.length) make("p", "What is known of its runs is not with this copy of the book.", dialog);
    if (number && names.length === 2) make("p", "A difference of two scores, the first minus the second.", dialog);
    found.forEach(one => dialog.append(described(one, found.length > 2)));
    const close = make("button", "Close", dialog, { type: "button", className: "mer-close" });
    close.addEventListener("click", () => dialog.close());
    dialog.showModal();
    dialog.scrollTop = 0;
  }

  function described({ data, variant }, folded) {
    const part = make(folded ? "details" : "section");
    make(folded ? "summary" : "h3", variant.title, part);
    const said = Object.entries(variant.specification).map(([k, v]) => `${k}: ${v}`);
    make("p", said.join("; ") + ".", part);
    const runs = make("ul", undefined, part);
    for (const run of variant.runs) {
      const item = make("li", `seed ${run.seed}, ${run.folds} folds, key `, runs);
      make("code", run.key, item);
      make("br", undefined, item);
      item.append(`computed with ${data.environments[run.environment]}`);
    }
    make("p", "To compute just this anew, beside what is there:", part);
    make("pre", variant.command, part).tabIndex = 0;
    const rows = csv(data, variant);
    const fold = make("details", undefined, part);
    make("summary", `Its ${rows.length - 1} predictions`, fold);
    make("pre", rows.join("\n"), fold).tabIndex = 0;
    const lines = [`# ${variant.title}: ${data.origin}`, ...rows, ""];
    const link = make("a", "Save them as CSV", part, { download: "predictions.csv" });
    link.href = URL.createObjectURL(new Blob([lines.join("\n")], { type: "text/csv" }));
    return part;
  }

  function csv(data, variant) {
    const rows = ["dataset,run,seed,subject,clip,y_true,y_pred"];
    for (const run of variant.runs)
      data.clips[variant.dataset].forEach(([subject, clip, truth], at) => {
        const digit = run.predicted[at];
        if (digit !== ".")
          rows.push([variant.dataset, run.key, run.seed, subject, clip, truth, parseInt(digit, 36)].join(","));
      });
    return rows;
  }
}
